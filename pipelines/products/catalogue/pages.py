"""The catalogue as HTML pages that need nothing but themselves: an index with search, a page a feed, what nobody uses.

Everything that comes from a contract or a declaration is escaped. What is said stands in `facts`; drawing in `plots`.
"""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from pipelines.products.catalogue import plots, words
from pipelines.products.catalogue.look import SCRIPT, STYLE
from pipelines.webpage import page, table

HOME, NOT_NEEDED = "index.html", "not-needed.html"


def pages(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(file name, HTML) of every page."""
    yield HOME, _index(body)
    yield NOT_NEEDED, _not_needed(body)
    for feed in body["feeds"]:
        yield f"{feed['feed']}.html", _feed(feed, body)


def _badge(kind: str, text: str) -> str:
    return f'<span class="tag {escape(kind, quote=True)}">{escape(text)}</span>'


def _head(words_: str, numbers: str = "", more: str = "") -> list[tuple[str, bool]]:
    """The head of a table: columns of words, of numbers, and of words again, each list parted by blanks."""
    parts = ((words_, False), (numbers, True), (more, False))
    return [(name, is_number) for names, is_number in parts for name in names.split()]


def _number(count: int | str) -> str:
    return f"{count:,}" if isinstance(count, int) else escape(count)


def _words(*parts: str) -> str:
    """What a row is found by."""
    return escape(" ".join(parts).lower(), quote=True)


def _index(body: Mapping[str, Any]) -> str:
    total = body["summary"]
    known = total["standings"]
    cards = [
        ("", total["feeds"], "数据来源"),
        ("", total["delivered"], "已有交付"),
        ("warm" if total["stale"] else "", total["stale"], "陈旧"),
        ("", total["columns"], "栏目"),
        ("", known.get("used", 0), "在用栏目"),
        ("warm", known.get("unused", 0), "无人使用"),
        ("", known.get("dropped", 0), "入口即丢弃"),
    ]
    drawn = "".join(f'<div class="card {k}"><b>{n:,}</b><span>{escape(t)}</span></div>' for k, n, t in cards)
    rows = [_index_row(feed) for feed in body["feeds"]]
    head = _head("编号 系统 主管部门 频率 最近交付 状态", "在用行数 隔离 栏目 在用 不必采集")
    listing = table(head, [cells for _, cells in rows], [f'data-words="{found_by}"' for found_by, _ in rows])
    found = "".join(
        f'<li data-words="{_words(f["feed"], c["name"], c["physical"], c["label"], c["description"])}">'
        f'<a href="{f["feed"]}.html#{escape(c["name"], quote=True)}">{f["feed"]}　{escape(c["label"])}</a> '
        f"<code>{escape(c['physical'])}</code> {_badge(c['standing'], words.STANDINGS[c['standing']])}</li>"
        for f in body["feeds"]
        for c in f["columns"]
    )
    return page(
        "数据来源目录",
        [
            f'<p class="note">数据日期 {body["as_of"]}。每个来源一份契约；只列计数和占比，不含任何个人信息。</p>',
            f'<div class="cards">{drawn}</div>',
            f'<p><a href="{NOT_NEEDED}">{total["not_needed"]} 个栏目不必采集（无人使用，或入口即丢弃）→</a></p>',
            '<input type="search" placeholder="查找来源、部门或栏目，如：救助、身份证、residence" aria-label="查找">',
            f'<ul id="columns" class="hidden">{found}</ul>',
            listing,
        ],
        style=STYLE,
        script=SCRIPT,
    )


def _index_row(feed: Mapping[str, Any]) -> tuple[str, list[str]]:
    kind, said = words.state(feed)
    last = feed["deliveries"][-1] if feed["deliveries"] else None
    share = f"{100 * last['quarantined'] / last['delivered']:.2f}%" if last and last["delivered"] else "—"
    standings = [c["standing"] for c in feed["columns"]]
    spare = sum(s in ("unused", "dropped") for s in standings)
    cells = [
        f'<a href="{feed["feed"]}.html"><b>{feed["feed"]}</b></a>',
        f'<a href="{feed["feed"]}.html">{escape(feed["system"])}</a>',
        escape(feed["department"]),
        escape(words.cadence(feed["cadence_days"])),
        last["date"] if last else "—",
        _badge(kind, said),
        f"{feed['state']['rows_in_use']:,}",
        share,
        str(len(standings)),
        str(standings.count("used")),
        str(spare) if spare else "",
    ]
    return _words(feed["feed"], feed["system"], feed["department"], *(c["label"] for c in feed["columns"])), cells


def _not_needed(body: Mapping[str, Any]) -> str:
    parts = []
    for kind in ("unused", "dropped"):
        mine = [entry for entry in body["not_needed"] if entry["standing"] == kind]
        rows = [
            [
                f'<a href="{e["feed"]}.html#{escape(e["name"], quote=True)}">{e["feed"]}</a>',
                escape(e["label"]),
                f"<code>{escape(e['physical'])}</code>",
            ]
            for e in mine
        ]
        parts.append(f"<h2>{words.STANDINGS[kind]}：{len(mine)} 个</h2>")
        parts.append(f'<p class="note">{words.STANDING_NOTES[kind]}。</p>')
        parts.append(table(_head("来源 栏目 原始字段"), rows))
    return page("不必采集的栏目", parts, [(HOME, "目录")], style=STYLE)


def _feed(feed: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    kind, said = words.state(feed)
    facts = [
        ("主管部门", escape(feed["department"])),
        ("状态", _badge(kind, said) + _in_use(feed)),
        ("频率", escape(words.cadence(feed["cadence_days"]))),
        ("服务水平", "<br>".join(escape(words.service_level(e)) for e in feed["service_level"])),
        ("采集目的", _both(feed["chinese"]["purpose"], feed["purpose"])),
        ("法律依据", escape(feed["legal_basis"])),
        ("敏感级别", _badge(feed["class"], words.CLASSES[feed["class"]])),
        ("交付", f"{words.FORMATS[feed['format']]}，{words.LOADS[feed['load']]}，<code>{escape(feed['files'])}</code>"),
        ("内容", _both(feed["chinese"]["content"], feed["description"])),
        ("局限", _both(feed["chinese"]["limitations"], feed["limitations"])),
        ("契约", f"{escape(feed['contract'])}　版本 {escape(feed['contract_version'])}"),
    ]
    parts = [
        "<dl>" + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts) + "</dl>",
        *_quality(feed),
        *_columns(feed, body["names"]),
    ]
    return page(f"{feed['feed']}　{feed['system']}", parts, [(HOME, "目录"), (NOT_NEEDED, "不必采集的栏目")], STYLE)


def _both(chinese: str, english: str) -> str:
    """What is said in Chinese, and small below it the contract's own English; that alone where there is no other."""
    own = f'<span class="en" lang="en">{escape(english)}</span>' if english else ""
    return f"<div>{escape(chinese)}</div>{own}" if chinese else own


def _in_use(feed: Mapping[str, Any]) -> str:
    state = feed["state"]
    waiting = "".join(f"　{words.waiting(told)}" for told in state["waiting"])
    if state["in_use_on"] is None:
        return f"　没有可用的交付{waiting}"
    return f"　在用 {state['in_use_on']} 的交付，{state['rows_in_use']:,} 行{waiting}"


def _quality(feed: Mapping[str, Any]) -> Iterator[str]:
    shown = feed["deliveries"]
    yield f"<h2>质量</h2><p class='note'>共 {feed['total_deliveries']} 次交付，下列最近 {len(shown)} 次。"
    yield f"每次交付的批次报告在数据根目录的 <code>quality/{feed['feed']}/日期/序号/index.html</code>。</p>"
    if not shown:
        return
    key = "".join(
        f'<i style="background:{colour}"></i>{text}'
        for text, colour in (
            *((words.PARTS[part], colour) for part, colour in plots.COLOURS.items()),
            *([("底色：未接收", "var(--line)")] if any(d["state"] != "accepted" for d in shown) else []),
        )
    )
    yield (
        f'<p class="note key">{key}</p><div class="plots">'
        f"<figure><figcaption>每次交付的行数</figcaption>{plots.rows(shown, '每次交付的行数')}</figure>"
        f"<figure><figcaption>隔离与重复占比</figcaption>{plots.shares(shown, '隔离与重复占比')}</figure></div>"
    )
    yield table(
        _head("日期 序号 状态", "送达 接收 隔离 重复", "说明"),
        [
            [
                d["date"],
                d["delivery"],
                _badge(d["state"], words.STATES[d["state"]]) + ("　在用" if d["is_in_use"] else ""),
                *(f"{d[part]:,}" for part in ("delivered", "accepted", "quarantined", "duplicate")),
                "<br>".join(escape(reason) for reason in d["reasons"]),
            ]
            for d in reversed(shown)
        ],
    )
    if feed["broken_rules"]:
        rows = [
            [_number(r["rows"]), escape(r["label"]), escape(r["message"]), f"<code>{escape(r['rule'])}</code>"]
            for r in feed["broken_rules"]
        ]
        inner = table(_head("", "行数", "栏目 问题 规则"), rows)
        yield f"<details><summary>最近一次交付中触发的规则（{len(rows)} 条）</summary>{inner}</details>"
    if feed["dropped_values"]:
        rows = [
            [f"<code>{escape(k)}</code>", escape(f"{n:,}" if isinstance(n, int) else n)]
            for k, n in feed["dropped_values"].items()
        ]
        inner = table([("原始字段", False), ("丢弃的非空值", True)], rows)
        yield f"<details><summary>最近一次交付中入口即丢弃的值（{len(rows)} 个字段）</summary>{inner}</details>"


def _columns(feed: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    columns = feed["columns"]
    counted = "，".join(
        f"{words.STANDINGS[kind]} {n}" for kind in words.STANDINGS if (n := sum(c["standing"] == kind for c in columns))
    )
    yield f"<h2>栏目与用途</h2><p class='note'>{len(columns)} 个栏目：{counted}。"
    yield "带 * 的只决定哪些行计入，不取其值。</p>"
    marks = [f'id="{escape(column["name"], quote=True)}"' for column in columns]
    yield table(
        _head("栏目 含义（契约原文） 类型与代码 级别 入库处理 空值 谁在用"), [_column(c, names) for c in columns], marks
    )


def _column(column: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    marks = "".join(
        f" {_badge('none', text)}" for flag, text in (("is_key", "键"), ("required", "必填")) if column[flag]
    )
    last = next((v for v in reversed(column["empty_shares"]) if v is not None), None)
    empty = "—" if last is None else f"{last:.1%}"
    if len([v for v in column["empty_shares"] if v is not None]) > 1:
        empty += f'<div class="spark">{plots.spark(column["empty_shares"], "各次交付的空值占比")}</div>'
    lake = "、".join(f"<code>{escape(name)}</code>" for name in column["lake_columns"])
    return [
        f"<b>{escape(column['label'])}</b>{marks}<div><code>{escape(column['physical'])}</code></div>",
        f"{_both('', column['description'])}<div class='sub'><code>{escape(column['name'])}</code></div>",
        words.TYPES[column["type"]] + _codes(column["codes"]),
        _badge(column["class"], words.CLASSES[column["class"]]),
        words.ROLES[column["role"]] + (f"<div class='sub'>→ {lake}</div>" if lake else ""),
        empty,
        f'<div class="uses">{_badge(column["standing"], words.STANDINGS[column["standing"]])}'
        f"{''.join(_uses(column['uses'], names))}</div>",
    ]


def _codes(codes: Mapping[str, Any] | None) -> str:
    if codes is None:
        return ""
    listed = "、".join(codes["codes"]) + ("……" if codes["count"] > len(codes["codes"]) else "")
    source = f"<code>{escape(codes['from'])}</code>"
    return f"<details><summary class='sub'>代码表 {codes['count']} 项</summary>{escape(listed)}<br>{source}</details>"


def _uses(uses: Mapping[str, Iterable[str]], names: Mapping[str, str]) -> Iterator[str]:
    for kind, title in words.KINDS.items():
        # The models of indices stand behind the indicators, which say more.
        if not uses.get(kind) or (kind == "index" and uses.get("indicator")):
            continue
        found = list(_named(kind, uses[kind], names))
        text = escape("、".join(found))
        if len(text) > 60:
            yield f"<details><summary><b>{title}</b>{len(found)}</summary>{text}</details>"
        else:
            yield f"<div><b>{title}</b>{text}</div>"


def _named(kind: str, found: Iterable[str], names: Mapping[str, str]) -> Iterator[str]:
    """What uses a column in words, each thing once with what of it: `code.column*` as name（column）*."""
    parts: dict[str, list[str]] = {}
    stars = set()
    for word in found:
        code, _, column = word.removesuffix("*").partition(".")
        parts.setdefault(code, []).extend([column] if column else [])
        if word.endswith("*"):
            stars.add(code)
    for code, columns in parts.items():
        name = names.get(f"{kind}:{code}", code)
        shown = f"{code} {name}" if kind in ("ledger", "indicator") and name != code else name
        yield shown + (f"（{'、'.join(columns)}）" if columns else "") + ("*" if code in stars else "")
