"""How the catalogue's pages look and how their search works: style and script, nothing else."""

STYLE = """
body{max-width:1240px;background:#fff;padding:20px 28px}
h1{margin:6px 0 2px;font-size:26px}h2{margin-top:34px}
a{color:#1c6dd0;text-decoration:none}a:hover{text-decoration:underline}
nav{font-size:14px;border-bottom:1px solid #e4e7eb;padding-bottom:8px}
table{font-size:13.5px}td{vertical-align:top}tbody tr:hover{background:#f7f9fb}
th{color:#52606d;font-weight:600;border-bottom:2px solid #cbd2d9;white-space:nowrap}
th{position:sticky;top:0;background:#fff}
td.n{white-space:nowrap}td:first-child{min-width:84px}tr:target{background:#fff8e1}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}
.card{border:1px solid #e4e7eb;border-radius:8px;padding:10px 16px;min-width:118px}
.card b{display:block;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}
.card span{color:#52606d;font-size:13px}.card.warm{background:#fdf3e7;border-color:#f3d3a8}
.tag{display:inline-block;border-radius:9px;padding:0 8px;font-size:12px;line-height:19px;white-space:nowrap;
background:#e4e7eb;color:#323f4b}.used,.fresh,.accepted,.public{background:#e3f4e8;color:#1e6b3a}
.unused,.rejected{background:#fbe3e1;color:#9b2c20}.dropped,.held,.stale,.sensitive{background:#fdf0dc;color:#8a5a10}
.restricted{background:#f6d9e6;color:#8b1e55}.none{background:#e4e7eb;color:#52606d}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;font-size:14px;margin:14px 0}
dt{color:#52606d}dd{margin:0}
.plots{display:flex;flex-wrap:wrap;gap:24px}.plots figure{margin:0;flex:1 1 420px;max-width:480px}
figcaption{font-size:13px;color:#52606d;margin-bottom:4px}
.key i{display:inline-block;width:10px;height:10px;margin:0 4px 0 12px}
input[type=search]{width:100%;max-width:560px;font-size:15px;padding:8px 12px;border:1px solid #cbd2d9;
border-radius:8px;margin:6px 0 10px;font-family:inherit;box-sizing:border-box}
code{font-family:Consolas,'DejaVu Sans Mono',monospace;font-size:12.5px;color:#323f4b;overflow-wrap:anywhere}
.uses b{font-weight:600;color:#52606d;font-size:12px;margin-right:6px}.uses details{margin:0}
.sub{color:#7b8794;font-size:12.5px}.spark{width:70px;min-width:60px}.hidden{display:none}
#columns{list-style:none;padding:0;columns:2;font-size:13.5px}
"""

SCRIPT = """
const box=document.querySelector('input[type=search]');
const list=document.getElementById('columns');
const rows=[...document.querySelectorAll('[data-words]')];
function find(){const q=box.value.trim().toLowerCase();
for(const row of rows)row.classList.toggle('hidden',q!==''&&!row.dataset.words.includes(q));
list.classList.toggle('hidden',q==='');}
box.addEventListener('input',find);find();
"""
