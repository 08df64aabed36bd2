"""Pages for the district, a town and a village, as HTML text that needs nothing but itself.

Belongs here: what stands on which page, in Chinese. Not here: reading (`facts`), drawing (`plots`), files (`write`).
"""

from html import escape
from typing import Any

from pipelines import svg
from pipelines.indices.report import plots
from pipelines.indices.report.facts import STATUS, Area, Facts
from pipelines.indices.why import why
from pipelines.webpage import page, table

HIDDEN = "＊"
_HIDDEN_NOTE = (
    "＊ 样本过少，为保护个人信息不予显示（样本少于{n}，或计数为1至{c}；"
    "仅隐藏一项会被推算出来，因此同一维度、同一镇内各村居至少隐藏两项）。"
)


def _number(value: float | None, digits: int = 1) -> str:
    return "—" if value is None else f"{value:.{digits}f}"


def status_words(cell: dict[str, Any], secret: bool) -> str:
    """A cell's status; a hidden one does not say that it is zero or was treated."""
    shown = "observed" if secret and cell["status"] in ("zero", "treated") else cell["status"]
    return STATUS.get(shown, shown)


def unknown_words(facts: Facts, cell: dict[str, Any], secret: bool) -> str:
    """How many could not be counted; a few are not told from each other."""
    count, least = cell.get("n_unknown"), facts.edition["least_count"]
    if count is None:
        return "—"
    if secret:
        return HIDDEN
    return f"<{least}" if 0 < count < least else str(count)


def why_words(facts: Facts, code: str, cell: dict[str, Any], secret: bool) -> str:
    """Why observed, used and score differ; of indicators that count people without the exact count.

    Nothing where the value is hidden, or where that of the area it was drawn to is.
    """
    part = facts.parts[code]
    above = facts.areas.get(part.get("shrink_towards") or "", {}).values()
    if secret or any(code in area.hidden for area in above):
        return ""
    return why(cell, part, exact=code in facts.open) or ""


def _rank(row: dict[str, Any]) -> str:
    return "—" if row["rank"] is None else f"{row['rank']:.0f}"


def _coverage(row: dict[str, Any]) -> str:
    exact = row["availability_exact"]
    return "0" if exact is None else f"{row['availability']:.0%}" + ("" if exact in ("0", "1") else f"（{exact}）")


def four_facts(facts: Facts, area: Area) -> str:
    """Data date, coverage, formula version and change: the four facts every score is published with."""
    edition = facts.edition
    covered = "，".join(f"{facts.name(node)} {_coverage(area.scores[node])}" for node in facts.dimensions)
    changes = []
    for node in (facts.root, *facts.dimensions):
        points = area.history.get(node, [])
        if len(points) > 1:
            # Adding 0.0 turns a rounded -0.0 into 0.0.
            changes.append(f"{facts.name(node)} {round(points[-1][1] - points[-2][1], 1) + 0.0:+.1f}")
    change = "，".join(changes) if changes else "无上期可比"
    return (
        f'<p class="note">数据日期 {edition["as_of"]:%Y-%m-%d}　方法版本 {escape(edition["edition"])}'
        f"（{edition['fingerprint'][:12]}）<br>数据覆盖（已有指标占维度权重）：{escape(covered)}<br>与上期相比：{escape(change)}</p>"
    )


def _profile(facts: Facts, area: Area, against: Area | None) -> str:
    rows = []
    for node in (facts.root, *facts.dimensions):
        row = area.scores[node]
        mark = against.scores[node]["score"] if against is not None else None
        rows.append((facts.name(node), row["score"], mark, STATUS.get(row["status"], row["status"])))
    note = '<p class="note">竖线为全区得分。</p>' if against is not None else ""
    return "<h2>各维度得分</h2>" + plots.profile(rows, f"{area.name}各维度得分") + note


def _gains(facts: Facts, area: Area, limit: int = 8) -> str:
    found = facts.first_to_improve(area)
    if not found:
        return ""
    rows = []
    for gain in found[:limit]:
        whole = "—" if gain["whole"] is None else f"+{gain['whole']:.1f}"
        names = [escape(facts.name(gain["node_code"])), escape(facts.name(gain["part_code"]))]
        rows.append([*names, _number(gain["score"]), f"+{gain['gain']:.1f}", whole])
    head = [("维度", False), ("指标", False), ("现得分", True), ("若达目标，维度得分提高", True)]
    return "<h2>先改什么</h2>" + table([*head, (f"{facts.name(facts.root)}提高", True)], rows)


def _cells(facts: Facts, area: Area) -> str:
    parts = []
    for node in facts.dimensions:
        rows = []
        for code in facts.indicators(node):
            part, cell = facts.parts[code], area.cells.get(code)
            if cell is None:
                continue
            secret = code in area.hidden
            value = HIDDEN if secret else _number(cell["observed"], 2)
            used = HIDDEN if secret else _number(cell.get("used", cell["treated"]))
            score = HIDDEN if secret else _number(cell["normalised"])
            share = HIDDEN if secret else _number(cell.get("contribution"), 2)
            unknown = unknown_words(facts, cell, secret)
            rows.append(
                [
                    escape(code),
                    escape(part["name"]),
                    value,
                    used,
                    escape(part["unit"]),
                    score,
                    share,
                    escape(unknown),
                    status_words(cell, secret),
                    escape(why_words(facts, code, cell, secret)),
                ]
            )
        head = [
            ("代码", False),
            ("指标", False),
            ("实测值", True),
            ("采用值", True),
            ("单位", False),
            ("得分", True),
            ("贡献", True),
            ("情况不明", True),
            ("状态", False),
            ("采用值、得分为何与实测值不同", False),
        ]
        parts.append(f"<h2>{escape(facts.name(node))}</h2>{table(head, rows)}")
    edition = facts.edition
    parts.append(
        '<p class="note">实测值：按公式直接算出。采用值：计数少的村居，实测值与全区水平按数量合计，得分由采用值算出。'
    )
    parts.append("情况不明：应当计入而资料不全的人数（户、套、处等），不计入数值，或按无记录计。</p>")
    parts.append(f'<p class="note">{_HIDDEN_NOTE.format(n=edition["least_n"], c=edition["least_count"] - 1)}</p>')
    return "".join(parts)


def _trends(facts: Facts, area: Area) -> str:
    drawn = []
    for node in (facts.root, *facts.dimensions):
        points = area.history.get(node, [])
        if len(points) > 1:
            plot = plots.trend(points, f"{area.name}{facts.name(node)}走势")
            drawn.append(f'<div style="display:inline-block"><h3>{escape(facts.name(node))}</h3>{plot}</div>')
    return "<h2>走势</h2>" + "".join(drawn) if drawn else ""


def _ranking(facts: Facts, node: str, areas: list[Area], title: str, most: int) -> str:
    rows = []
    for area in areas:
        score, doubt = area.scores[node], area.method.get(node)
        if score["rank"] is not None and doubt is not None:
            rows.append((area.name, score["rank"], doubt["rank_low"], doubt["rank_high"]))
    rows.sort(key=lambda row: row[1])
    return plots.bands(rows, most, title) if rows else '<p class="note">无可排名的村居。</p>'


def village_page(facts: Facts, area: Area, town: Area | None, district: Area | None) -> str:
    """A village: profile, what to improve first, its doubt, every indicator, trend."""
    body = [four_facts(facts, area), _profile(facts, area, district), _gains(facts, area)]
    rows = []
    for node in (facts.root, *facts.dimensions):
        score, method, sample = area.scores[node], area.method.get(node), area.sampling.get(node)
        if score["score"] is None:
            continue
        shown = score["rank"] is not None
        by_method = f"{method['rank_low']:.0f}–{method['rank_high']:.0f}" if method and shown else "—"
        by_chance = f"{sample['rank_low']:.0f}–{sample['rank_high']:.0f}" if sample and shown else "—"
        interval = f"{sample['score_low']:.1f}–{sample['score_high']:.1f}" if sample else "—"
        rows.append([escape(facts.name(node)), _number(score["score"]), interval, _rank(score), by_method, by_chance])
    head = [
        ("维度", False),
        ("得分", True),
        ("抽样误差区间", True),
        ("全区位次", True),
        ("换方法的位次", True),
        ("抽样误差的位次", True),
    ]
    note = (
        '<p class="note">“换方法”指标准化、权重、合成方法换成同样合理的做法（5%–95%）；'
        "“抽样误差”只反映村居人数多少带来的偶然性（80%）。二者含义不同，不可相加。</p>"
    )
    if rows:
        body.append("<h2>得分有多可靠</h2>" + table(head, rows) + note)
    body += [_trends(facts, area), _cells(facts, area)]
    links = [("index.html", facts.top_name())]
    if town is not None:
        links.append((f"town-{town.code}.html", town.name))
    return page(f"{area.name}　{facts.edition['name']}", body, links, svg.STYLE)


def town_page(facts: Facts, area: Area, district: Area | None) -> str:
    """A town: profile, its villages with ranks in the district, what to improve first, every indicator."""
    villages = facts.villages_of(area.code)
    body = [four_facts(facts, area), _profile(facts, area, district), _gains(facts, area)]
    body.append("<h2>各村居</h2>" + _listing(facts, villages, "village"))
    most = len(facts.areas[facts.levels()[0]])
    for node in (facts.root, *facts.dimensions):
        if any(village.method.get(node) for village in villages):
            title = f"{area.name}各村居{facts.name(node)}全区位次"
            body.append(f"<h2>{escape(facts.name(node))}：全区位次与换方法的区间</h2>")
            body.append(_ranking(facts, node, villages, title, most))
    body += [_trends(facts, area), _cells(facts, area)]
    return page(f"{area.name}　{facts.edition['name']}", body, [("index.html", facts.top_name())], svg.STYLE)


def _listing(facts: Facts, areas: list[Area], kind: str) -> str:
    nodes = [facts.root, *facts.dimensions]
    head = [("名称", False)] + [(facts.name(node), True) for node in nodes]
    rows = []
    for area in areas:
        cells = [f'<a href="{kind}-{escape(area.code, quote=True)}.html">{escape(area.name)}</a>']
        for node in nodes:
            row = area.scores[node]
            rank = f"（{row['rank']:.0f}）" if row["rank"] is not None else ""
            cells.append("—" if row["score"] is None else f"{row['score']:.1f}{rank}")
        rows.append(cells)
    return table(head, rows) + '<p class="note">括号内为位次；— 表示数据不足或无数据，不予估计。</p>'


def district_page(facts: Facts, district: Area | None) -> str:
    """The district: profile, towns, rankings of all villages, and how sure the method is."""
    levels = facts.levels()
    units = [area for _, area in sorted(facts.areas[levels[0]].items())]
    body = []
    if district is not None:
        body += [four_facts(facts, district), _profile(facts, district, None), _gains(facts, district)]
    if len(levels) > 2:
        body.append(
            "<h2>各镇（街道）</h2>" + _listing(facts, [a for _, a in sorted(facts.areas[levels[1]].items())], "town")
        )
    for node in (facts.root, *facts.dimensions):
        if any(area.method.get(node) for area in units):
            plot = _ranking(facts, node, units, f"村居{facts.name(node)}位次", len(units))
            body.append(
                f"<h2>{escape(facts.name(node))}：村居位次</h2><details><summary>展开全部村居</summary>{plot}</details>"
            )
    body += [_method(facts), _flags(facts), _spread(facts)]
    if district is not None:
        body += [_trends(facts, district), _cells(facts, district)]
    return page(f"{facts.top_name()}　{facts.edition['name']}", body, style=svg.STYLE)


def _method(facts: Facts) -> str:
    rows = []
    for effect in facts.effects:
        known = facts.factor_name(effect["factor"])
        interval = f"{effect['total_low']:.2f}–{effect['total_high']:.2f}"
        rows.append(
            [
                escape(facts.name(effect["part_code"])),
                escape(known),
                f"{effect['first']:.2f}",
                f"{effect['total']:.2f}",
                interval,
            ]
        )
    if not rows:
        return ""
    head = [("维度", False), ("方法上的选择", False), ("单独影响", True), ("总影响", True), ("总影响区间", True)]
    note = '<p class="note">总影响是位次变动中由该项选择（含与其他选择的共同作用）造成的份额。</p>'
    return "<h2>位次取决于哪些方法选择</h2>" + table(head, rows) + note


def _spread(facts: Facts) -> str:
    """Indicators that tell hardly any village apart: nearly all stand at one end of the scale."""
    words = {"low": "{}在最低分", "high": "{}在最高分", "constant": "得分全部相同", "empty": "全部缺数据"}
    rows = [
        [
            escape(row["part_code"]),
            escape(facts.name(row["part_code"])),
            str(row["units"]),
            words[row["flag"]].format(f"{max(row['at_low'], row['at_high']) / max(row['units'], 1):.0%} "),
        ]
        for row in facts.spread
        if row["flag"] is not None
    ]
    if not rows:
        return ""
    head = [("代码", False), ("指标", False), ("有得分的村居", True), ("提示", False)]
    note = '<p class="note">这些指标把许多村居排在同一分上，解读排名时应注意，并检查数据来源和目标值。</p>'
    return "<h2>不能区分村居的指标</h2>" + table(head, rows) + note


def _flags(facts: Facts) -> str:
    words = {"redundant": "高度重复", "contrary": "方向相反"}
    rows = [
        [
            escape(facts.name(row["part_code"])),
            escape(facts.name(row["other_code"])),
            f"{row['r']:.2f}",
            words.get(row["flag"], row["flag"]),
        ]
        for row in facts.associations
        if row["flag"] is not None and row["relation"] != "root"
    ]
    if not rows:
        return ""
    head = [("指标", False), ("与", False), ("相关系数", True), ("提示", False)]
    return f"<h2>指标之间的提示</h2><details><summary>{len(rows)} 项</summary>{table(head, rows)}</details>"
