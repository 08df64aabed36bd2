"""Deliveries judged as batches: what moved against the delivery before, and what cannot be compared with it."""

import re
from datetime import date, timedelta

import pytest

from pipelines.feeds.contracts import Contract
from pipelines.feeds.expectations import judge_batches
from pipelines.feeds.land import land_feed
from pipelines.feeds.status import judged
from tests.feeds.making import DAY, column, deliver, make_contract

CODES = {"values": ["a", "b"]}
INCREMENT = {"operation": "op", "delete": ["D"], "on_delete": "drop"}


def contract_of(folder, **delivery) -> Contract:
    columns = [
        column("number", "N", primaryKey=True, required=True),
        column("kind", "K", codes=CODES),
        column("op", "OP"),
    ]
    return make_contract(folder, columns, {"format": "delimited", "files": "f.csv", **delivery})


def rows(day: int, share_of_a: float, count: int = 400) -> bytes:
    lines = ["N,K,OP"]
    lines += [f"{day}-{n},{'a' if n < share_of_a * count else 'b'},A" for n in range(count)]
    return ("\n".join(lines) + "\n").encode()


def unmet(settings, contract: Contract, key, shares: list[float]) -> list[list[str]]:
    for day, share in enumerate(shares):
        deliver(settings, contract.feed, DAY + timedelta(days=day), "001", {"f.csv": rows(day, share)})
    last: date = DAY + timedelta(days=len(shares) - 1)
    land_feed(settings, contract, key, last)
    verdicts = judge_batches(settings, contract, judged(settings, {contract.feed: contract}, last))
    assert all(verdict.page.exists() for verdict in verdicts)
    return [list(verdict.unmet) for verdict in verdicts]


@pytest.mark.parametrize(("after", "is_met"), [(0.5, True), (0.55, True), (0.95, False)])
def test_a_mix_of_codes_that_moved_far_is_told(settings, key, tmp_path, after, is_met):
    contract = contract_of(tmp_path / "c", load="snapshot")
    first, second = unmet(settings, contract, key, [0.5, after])
    assert first == []
    assert (second == []) == is_met
    assert is_met or any("kind" in told for told in second)


def test_a_page_says_in_both_languages_what_moved_and_loads_nothing(settings, key, tmp_path):
    contract = contract_of(tmp_path / "c", load="snapshot")
    unmet(settings, contract, key, [0.5, 0.95])
    pages = sorted(settings.quality_docs.rglob("index.html"))
    first, second = (page.read_text("utf-8") for page in pages)
    assert "全部满足" in first and "未满足的期望" not in first
    moved = second[second.index("未满足的期望") : second.index("逐项报告")]
    assert "代码构成变动过大" in moved and "mix of codes moved" in moved and "kind" in moved
    assert "较上次增减" in second and "expect_" not in moved
    for text in (first, second):
        assert not re.search(r"<(script|link|img|iframe)\b|(href|src|onclick)=", text, re.IGNORECASE)


def test_changes_are_compared_with_changes_and_not_with_the_stock_they_begin_with(settings, key, tmp_path):
    contract = contract_of(tmp_path / "c", load="increment", increment=INCREMENT)
    stock, flow, like_the_flow, otherwise = unmet(settings, contract, key, [0.05, 0.9, 0.9, 0.1])
    assert (stock, flow, like_the_flow) == ([], [], [])
    assert any("kind" in told for told in otherwise)
