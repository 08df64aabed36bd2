"""A leaf: HTML pages that need nothing but themselves, and tables in them.

Belongs here: the shell of a page, its look, tables. Not here: what stands on a page.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import zip_longest

STYLE = """
body{font-family:'Noto Sans CJK SC','Microsoft YaHei',sans-serif;color:#1f2933;line-height:1.6;
max-width:980px;margin:0 auto;padding:16px}
h1{font-size:24px}h2{font-size:18px;border-bottom:2px solid #e4e7eb;padding-bottom:4px;margin-top:28px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{border-bottom:1px solid #e4e7eb;padding:4px 8px;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.note{color:#52606d;font-size:13px}
nav a{margin-right:12px}details{margin:8px 0}summary{cursor:pointer}
@media (max-width:600px){body{padding:10px}h1{font-size:20px}table{display:block;overflow-x:auto}
td{min-width:4.5em}td.n{min-width:0;white-space:nowrap}th.n{min-width:4em}}
@media print{nav,summary{display:none}}
:root{color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){body{background:#14181d;color:#e4e7eb}a{color:#7db4f5}
a:visited{color:#b9a3f5}h2,th,td{border-color:#3e4954}.note{color:#a3b0bd}}
"""


def page(
    title: str, body: Iterable[str], links: Iterable[tuple[str, str]] = (), style: str = "", script: str = ""
) -> str:
    """One whole page; `links` (address, words) stand above its title, `style` comes after the common look."""
    nav = "".join(f'<a href="{escape(href, quote=True)}">{escape(words)}</a>' for href, words in links)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body><nav>{nav}</nav>"
        f"<h1>{escape(title)}</h1>{''.join(body)}{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def table(head: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]], marks: Iterable[str] = ()) -> str:
    """A table; the flag in the head says that a column is numbers. Cells are HTML already.

    `marks` are attributes of the rows, one text a row, escaped already.
    """
    top = "".join(
        f'<th class="n">{escape(words)}</th>' if number else f"<th>{escape(words)}</th>" for words, number in head
    )
    lines = []
    for row, mark in zip_longest(rows, marks, fillvalue=""):
        cells = "".join(
            f'<td class="n">{cell}</td>' if number else f"<td>{cell}</td>"
            for cell, (_, number) in zip(row, head, strict=True)
        )
        lines.append(f"<tr{f' {mark}' if mark else ''}>{cells}</tr>")
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
