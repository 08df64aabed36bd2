"""How the catalogue's pages look and how their search works: style and script, nothing else.

Light and dark by what the reader's machine asks for; on narrow screens tables are moved sideways by themselves.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2933;--grey:#52606d;--faint:#616e7c;--line:#e4e7eb;--rule:#cbd2d9;
--link:#1c6dd0;--hover:#f7f9fb;--here:#fff8e1;--good:#e3f4e8;--good-ink:#1e6b3a;--bad:#fbe3e1;--bad-ink:#9b2c20;
--warm:#fdf0dc;--warm-ink:#8a5a10;--edge:#f3d3a8;--closed:#f6d9e6;--closed-ink:#8b1e55}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e4e7eb;--grey:#a3b0bd;--faint:#93a1af;--line:#2b333c;
--rule:#3e4954;--link:#7db4f5;--hover:#1b2128;--here:#3a3218;--good:#17382a;--good-ink:#9fdcb6;--bad:#45201c;
--bad-ink:#f4b3ab;--warm:#3d2f17;--warm-ink:#f0c684;--edge:#6b4f22;--closed:#43203a;--closed-ink:#f0b5d6}}
body{max-width:1240px;background:var(--paper);color:var(--ink);padding:20px 28px}
h1{margin:6px 0 2px;font-size:26px}h2{margin-top:34px;border-color:var(--line)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
nav{font-size:14px;border-bottom:1px solid var(--line);padding-bottom:8px}nav:empty{display:none}
table{font-size:13.5px}td{vertical-align:top}tbody tr:hover{background:var(--hover)}th,td{border-color:var(--line)}
th{color:var(--grey);font-weight:600;border-bottom:2px solid var(--rule);white-space:nowrap}
th{position:sticky;top:0;background:var(--paper)}
td.n{white-space:nowrap}td:first-child{min-width:84px}tr:target{background:var(--here)}.note{color:var(--grey)}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}
.card{border:1px solid var(--line);border-radius:8px;padding:10px 16px;min-width:118px}
.card b{display:block;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}
.card span{color:var(--grey);font-size:13px}.card.warm{background:var(--warm);border-color:var(--edge)}
.tag{display:inline-block;border-radius:9px;padding:0 8px;font-size:12px;line-height:19px;white-space:nowrap;
background:var(--line);color:var(--ink)}.used,.fresh,.accepted,.public{background:var(--good);color:var(--good-ink)}
.unused,.rejected{background:var(--bad);color:var(--bad-ink)}
.dropped,.held,.stale,.sensitive{background:var(--warm);color:var(--warm-ink)}
.restricted{background:var(--closed);color:var(--closed-ink)}.none{background:var(--line);color:var(--grey)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;font-size:14px;margin:14px 0}
dt{color:var(--grey)}dd{margin:0}.en{color:var(--faint);font-size:12.5px;line-height:1.45;display:inline-block}
.plots{display:flex;flex-wrap:wrap;gap:24px}.plots figure{margin:0;flex:1 1 420px;max-width:480px}
figcaption{font-size:13px;color:var(--grey);margin-bottom:4px}
svg text{fill:var(--grey)}svg line{stroke:var(--line)}svg rect[fill="#e4e7eb"]{fill:var(--line)}
svg rect[fill="#1f2933"]{fill:var(--ink)}
.key i{display:inline-block;width:10px;height:10px;margin:0 4px 0 12px}
input[type=search]{width:100%;max-width:560px;font-size:15px;padding:8px 12px;border:1px solid var(--rule);
background:var(--paper);color:var(--ink);border-radius:8px;margin:6px 0 10px;font-family:inherit;box-sizing:border-box}
code{font-family:Consolas,'DejaVu Sans Mono',monospace;font-size:12.5px;color:var(--grey);overflow-wrap:anywhere}
.uses b{font-weight:600;color:var(--grey);font-size:12px;margin-right:6px}.uses details{margin:0}
.sub{color:var(--faint);font-size:12.5px}.spark{width:70px;min-width:60px}.hidden{display:none}
#columns{list-style:none;padding:0;columns:2;font-size:13.5px}
@media (max-width:760px){body{padding:12px 14px}table{display:block;overflow-x:auto}th{position:static}
td{min-width:56px}td .en{min-width:130px}td .uses{min-width:180px}td.n{min-width:0}
td:last-child:not(.n){min-width:180px}#columns{columns:1}
.cards{gap:8px}.card{min-width:84px;padding:6px 10px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{:root{color-scheme:light}}
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
