"""The feed catalogue: what it says, what it must not say, and that hostile names stay text."""

import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.judge import Status
from pipelines.feeds.receipts import Receipt
from pipelines.products.catalogue.facts import CHINESE, LEAST_COUNT, LEAST_ROWS, document, empty_shares
from pipelines.products.catalogue.text import cell
from pipelines.products.catalogue.uses import Use
from pipelines.products.catalogue.write import JSON, chinese_words, write
from pipelines.settings import Settings

SETTINGS = Settings()
DAY = date(2026, 10, 31)
HOSTILE = "<script>alert(1)</script>\"'&|`[x](javascript:x)"


def status(feed: str, number: str = "001", state: str = "accepted", **counts: int) -> Status:
    values = {"delivered": 1000, "accepted": 990, "quarantined": 7, "duplicate": 3} | counts
    return Status(
        feed=feed, business_on=DAY, number=number, state=state, sha256="a", contract_version="1.0.0",
        reasons=("let through by 某某 on 2026-10-31: 已核实",), is_in_use=state == "accepted", **values,
    )  # fmt: skip


def receipt(feed: str, **values: object) -> Receipt:
    body = {"delivered": 1000, "accepted": 990, "quarantined": 7, "duplicate": 3, "rules": {}, "dropped": {}} | values
    return Receipt(
        feed=feed, business_on=DAY, number="001", sha256="a", files=(), contract_version="1.0.0", contract_sha256="b",
        key_id="c", **body,
    )  # fmt: skip


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts(SETTINGS.contracts)


def make(contracts: dict[str, Contract], uses: dict[tuple[str, str], tuple[Use, ...]], lake: Path) -> dict:
    feeds = list(contracts)
    rules = {f"{f}.{contracts[f].columns[0].name}.required": LEAST_COUNT - 1 for f in feeds}
    receipts = {f: [receipt(f, rules={c: n for c, n in rules.items() if c.startswith(f"{f}.")})] for f in feeds}
    statuses = [status(f) for f in feeds]
    return document(contracts, statuses, receipts, uses, lake, SETTINGS.reference, DAY)


def test_the_head_counts_every_column_once(contracts, tmp_path):
    used = next(c for c in contracts["F06"].columns if c.intake.role == "value")
    body = make(contracts, {("F06", used.name): (Use("tag", "T01010101", "某标签"),)}, tmp_path)
    total = body["summary"]
    assert total["feeds"] == len(contracts) == 51
    assert total["columns"] == sum(len(c.columns) for c in contracts.values()) == sum(total["standings"].values())
    assert total["standings"]["used"] == 1
    dropped = sum(c.intake.role == "drop" for k in contracts.values() for c in k.columns)
    assert total["standings"]["dropped"] == dropped
    assert total["not_needed"] == len(body["not_needed"]) == dropped + total["standings"]["unused"]
    assert (used.name, "F06") not in {(e["name"], e["feed"]) for e in body["not_needed"]}


class Reader(HTMLParser):
    """What a browser would fetch and run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.fetched += [str(given[k]) for k in ("src", "href", "action", "data") if given.get(k)]
        assert not any(name.startswith("on") for name, _ in attrs)


def test_hostile_names_stay_text_and_pages_load_nothing(contracts, tmp_path):
    spoilt = contracts["F06"].model_copy(
        update={
            "title": HOSTILE, "department": HOSTILE, "purpose": HOSTILE, "legal_basis": HOSTILE, "description": HOSTILE,
            "columns": tuple(
                c.model_copy(update={"label": HOSTILE, "physical": HOSTILE, "description": HOSTILE})
                for c in contracts["F06"].columns
            ),
        }
    )  # fmt: skip
    uses = {("F06", c.name): (Use("ledger", HOSTILE, HOSTILE, HOSTILE),) for c in spoilt.columns}
    files = write(make({"F06": spoilt}, uses, tmp_path / "lake"), tmp_path / "out")
    plain = write(make({"F06": contracts["F06"]}, {}, tmp_path / "lake"), tmp_path / "plain")
    for path, other in zip(files, plain, strict=True):
        if path.suffix == ".html":
            reader, usual = Reader(), Reader()
            reader.feed(path.read_text("utf-8"))
            usual.feed(other.read_text("utf-8"))
            assert reader.tags.count("script") == usual.tags.count("script") <= 1
            assert all(re.fullmatch(r"[\w.-]+\.html(#[\w-]+)?", link) for link in reader.fetched), path.name
        if path.suffix == ".md":
            text = path.read_text("utf-8")
            assert "<script" not in text.replace("\\<script", "") and "[x](" not in text.replace("\\[x](", "")


def test_every_committed_feed_is_told_in_chinese_and_no_other():
    said = chinese_words(SETTINGS.contracts)
    assert sorted(said) == sorted(load_contracts(SETTINGS.contracts))
    for feed, parts in said.items():
        assert tuple(parts) == CHINESE, feed
        assert all(re.search("[一-鿿]{4}", text) and text.endswith("。") for text in parts.values()), feed


def test_a_page_says_chinese_first_and_marks_english_as_such(contracts, tmp_path):
    some = {"F06": contracts["F06"], "B03": contracts["B03"]}
    words = {"F06": dict.fromkeys(CHINESE, "只作试验<b>。")}
    body = document(some, [], {}, {}, tmp_path, SETTINGS.reference, DAY, words)
    write(body, tmp_path)
    told, bare = ((tmp_path / f"{feed}.html").read_text("utf-8") for feed in ("F06", "B03"))
    english = '<span class="en" lang="en">'
    assert f"<div>只作试验&lt;b&gt;。</div>{english}Social assistance" in told
    assert f"<dd>{english}The villages and neighbourhoods" in bare and "<dd><div></div>" not in bare
    assert "只作试验\\<b>。（Social assistance" in (tmp_path / "F06.md").read_text("utf-8")


def test_what_waits_stands_beside_what_is_in_use(contracts, tmp_path):
    later = replace(status("B03", "002", "held"), business_on=DAY)
    body = document({"B03": contracts["B03"]}, [status("B03"), later], {}, {}, tmp_path, SETTINGS.reference, DAY)
    write(body, tmp_path)
    assert f"在用 {DAY} 的交付，990 行　{DAY}/002 待人工确认" in (tmp_path / "B03.html").read_text("utf-8")
    assert "底色：未接收" in (tmp_path / "B03.html").read_text("utf-8")
    assert f"待人工确认，{DAY}/002 待人工确认" in (tmp_path / "B03.md").read_text("utf-8")


def test_a_cell_of_markdown_stays_one_cell():
    assert cell("a|b\nc <i> [x](y) `z` \\") == "a\\|b c \\<i> \\[x](y) \\`z\\` \\\\"


def test_counts_that_could_mean_one_person_are_not_told_apart(contracts, tmp_path):
    body = make(contracts, {}, tmp_path)
    for feed in body["feeds"]:
        rows = [rule["rows"] for rule in feed["broken_rules"]]
        assert rows == [LEAST_COUNT - 1 if feed["class"] == "public" else f"<{LEAST_COUNT}"], feed["feed"]


def test_nobody_who_decided_is_named(contracts, tmp_path):
    body = make(contracts, {}, tmp_path)
    assert "某某" not in json.dumps(body, ensure_ascii=False)
    assert body["feeds"][0]["deliveries"][0]["reasons"] == ["let through by a person's decision. 已由人决定放行。"]


def test_shares_of_empty_values_come_from_the_file_and_not_from_few_rows(tmp_path):
    many, few = tmp_path / "many.parquet", tmp_path / "few.parquet"
    values = [None if i % 4 == 0 else i for i in range(LEAST_ROWS * 2)]
    pl.DataFrame({"a": values, "b": [["x"]] * (LEAST_ROWS * 2)}).write_parquet(many, row_group_size=7)
    pl.DataFrame({"a": values[: LEAST_ROWS - 1]}).write_parquet(few)
    assert empty_shares(many) == {"a": 0.25, "b": 0.0}
    assert empty_shares(few) == {"a": None}
    assert empty_shares(tmp_path / "none.parquet") == {}


def test_restricted_columns_give_no_shares(contracts, tmp_path):
    restricted = [f for f, c in contracts.items() if c.classification == "restricted"]
    assert restricted
    for feed in restricted:
        names = [n for n in contracts[feed].outputs]
        rows = tmp_path / feed / DAY.isoformat() / "001" / "rows.parquet"
        rows.parent.mkdir(parents=True)
        pl.DataFrame({n: ["x"] * 100 for n in names}).write_parquet(rows)
    body = make({f: contracts[f] for f in restricted}, {}, tmp_path)
    for feed in body["feeds"]:
        for column in feed["columns"]:
            assert column["class"] != "restricted" or column["empty_shares"] == [], column["name"]


def test_the_same_facts_give_the_same_bytes(contracts, tmp_path):
    some = {f: contracts[f] for f in ("B03", "F06")}
    first = write(make(some, {}, tmp_path), tmp_path / "one")
    second = write(make(some, {}, tmp_path), tmp_path / "two")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert first[0].name == JSON and (tmp_path / "one").stat().st_mode & 0o777 == 0o700
