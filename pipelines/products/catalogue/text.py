"""The catalogue as Markdown: the same facts as the pages, for those who read files."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.products.catalogue import words


def texts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(file name, Markdown) of the index and of every feed."""
    yield "index.md", "\n".join(_index(body)) + "\n"
    for feed in body["feeds"]:
        yield f"{feed['feed']}.md", "\n".join(_feed(feed, body["names"])) + "\n"


def cell(text: object) -> str:
    """A text that cannot end its cell, begin a tag or a link."""
    shown = " ".join(str(text).split())
    for mark in ("\\", "|", "<", "[", "`"):
        shown = shown.replace(mark, f"\\{mark}")
    return shown


def _both(chinese: str, english: str) -> str:
    return f"{chinese}（{english}）" if chinese and english else chinese or english


def _row(*cells: object) -> str:
    return "| " + " | ".join(cell(c) for c in cells) + " |"


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _index(body: Mapping[str, Any]) -> Iterator[str]:
    total = body["summary"]
    known = "，".join(f"{title} {total['standings'].get(kind, 0)}" for kind, title in words.STANDINGS.items())
    yield from ("# 数据来源目录", "", f"数据日期：{body['as_of']}", "")
    yield f"{total['feeds']} 个来源，{total['columns']} 个栏目：{known}。不必采集的栏目 {total['not_needed']} 个。"
    yield ""
    yield from _head("编号", "系统", "主管部门", "频率", "最近交付", "状态", "在用行数", "栏目", "在用", "不必采集")
    for feed in body["feeds"]:
        standings = [c["standing"] for c in feed["columns"]]
        last = feed["deliveries"][-1]["date"] if feed["deliveries"] else "—"
        yield _row(
            feed["feed"], feed["system"], feed["department"], words.cadence(feed["cadence_days"]), last,
            words.state(feed)[1], feed["state"]["rows_in_use"], len(standings), standings.count("used"),
            sum(s in ("unused", "dropped") for s in standings),
        )  # fmt: skip
    yield from ("", "## 不必采集的栏目", "")
    yield from _head("来源", "栏目", "原始字段", "情况")
    for entry in body["not_needed"]:
        yield _row(entry["feed"], entry["label"], entry["physical"], words.STANDINGS[entry["standing"]])


def _feed(feed: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    yield from (f"# {cell(feed['feed'])} {cell(feed['system'])}", "")
    levels = "；".join(words.service_level(e) for e in feed["service_level"])
    for name, text in (
        ("主管部门", feed["department"]),
        ("状态", "，".join([words.state(feed)[1], *map(words.waiting, feed["state"]["waiting"])])),
        ("频率", words.cadence(feed["cadence_days"])),
        ("服务水平", levels),
        ("采集目的", _both(feed["chinese"]["purpose"], feed["purpose"])),
        ("法律依据", feed["legal_basis"]),
        ("敏感级别", words.CLASSES[feed["class"]]),
        ("交付", f"{words.FORMATS[feed['format']]}，{words.LOADS[feed['load']]}，{feed['files']}"),
        ("内容", _both(feed["chinese"]["content"], feed["description"])),
        ("局限", _both(feed["chinese"]["limitations"], feed["limitations"])),
        ("契约", f"{feed['contract']} 版本 {feed['contract_version']}"),
    ):
        yield f"- {name}：{cell(text)}"
    yield from ("", "## 交付", "")
    yield from _head("日期", "序号", "状态", "送达", "接收", "隔离", "重复", "说明")
    for d in reversed(feed["deliveries"]):
        yield _row(
            d["date"], d["delivery"], words.STATES[d["state"]] + ("，在用" if d["is_in_use"] else ""), d["delivered"],
            d["accepted"], d["quarantined"], d["duplicate"], " ".join(d["reasons"]),
        )  # fmt: skip
    if feed["broken_rules"]:
        yield from ("", "## 最近一次交付中触发的规则", "")
        yield from _head("行数", "栏目", "问题", "规则")
        for r in feed["broken_rules"]:
            yield _row(r["rows"], r["label"], r["message"], r["rule"])
    yield from ("", "## 栏目与用途", "")
    yield from _head("栏目", "原始字段", "含义（契约原文）", "类型", "级别", "入库处理", "空值", "情况", "谁在用")
    for c in feed["columns"]:
        used = "；".join(f"{title} {len(c['uses'][kind])}" for kind, title in words.KINDS.items() if kind in c["uses"])
        last = next((share for share in reversed(c["empty_shares"]) if share is not None), None)
        yield _row(
            c["label"], c["physical"], c["description"], words.TYPES[c["type"]], words.CLASSES[c["class"]],
            words.ROLES[c["role"]], "—" if last is None else f"{last:.1%}", words.STANDINGS[c["standing"]], used,
        )  # fmt: skip
    yield from ("", "完整的用途名单见 catalogue.json。")
