"""Rows that are no rows: totals, notes, who filled in the table. Told by their first words and what they leave empty.

The words are those of every department's tables; a contract adds its own (`totals`, `notes`). A row that begins so and
fills what rows must fill is a row all the same: 注 begins names, too.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from pipelines.feeds.contracts import Contract

# Words by what follows them and what may stand before them; a colon or bracket here is met in either width.
_OF_WHAT = "本页 本表 本月 本季 本季度 本年 本期 本村 本居 本单位 上页 以上 全区 全镇 全村 全部"
_TOTALS = "合计 小计 总计 共计 累计 汇总"
_NOTES = """
备注 附注 说明 注: 注1 注2 *注 ※ 填表 填报 制表 制单 审核 审批 复核 核对: 单位负责人 负责人 经办人 经手人 录入人
统计人 统计: 统计负责人 统计日期 统计口径 统计时间 联系人 联系电话 电话: 报送 上报 报表日期 报表时间 打印 导出
数据来源 数据截至 数据截止 数据日期 截至 截止 以下空白 以下无正文 此页无正文 单位盖章 单位(盖章 盖章 公章 签字 签章
单位: 日期: 时间:
"""
_PAGE = r"第\s*[0-9一二三四五六七八九十]+\s*页|共\s*[0-9一二三四五六七八九十]+\s*页"
# What may stand before the first word: blanks, brackets, strokes, and in text files quotes and empty fields.
_BEFORE = r"[\s\"'()（）\[【\-—–―_=*]*"
# After a word that stands for itself: nothing more, a colon, a figure, a bracket.
_ENDS = re.compile(r"[人日期时间者]{,2}\s*(?:$|[:：0-9(（)）\]】、,,。.—\-页])")


class Footers:
    """Tells totals and notes from rows for one contract."""

    def __init__(self, contract: Contract):
        totals = _TOTALS.split()
        self._totals = (*contract.delivery.totals, *totals, *(a + b for a in _OF_WHAT.split() for b in totals))
        self._notes = (*contract.delivery.notes, *_NOTES.split())
        self._declared = bool(contract.delivery.totals or contract.delivery.notes)
        self._required = [c.physical for c in contract.read_columns if c.required]
        self._width = len(contract.physicals)

    def may_be(self, cells: Sequence[str | None]) -> bool:
        """Whether a row, by its cells in order, begins like a total or a note."""
        return self._begun.match(_first(cells)) is not None

    def kind(self, cells: Sequence[str | None], by_name: Mapping[str, str | None]) -> str | None:
        """`totals` or `notes`, of a row's cells in order, and those of the contract's columns by raw name."""
        first = _first(cells)
        begun = self._begun.match(first)
        if begun is None or not self._is_sparse(by_name, _ENDS.match(first, begun.end()) is not None):
            return None
        return "totals" if begun[1] else "notes"

    def pattern(self, delimiter: str) -> str:
        """What a line of text that may be one begins with."""
        words = self._words((*self._totals, *self._notes))
        return f"^(?:{re.escape(delimiter)}|{_BEFORE[:-1]})*(?:{words}|{_PAGE})"

    @cached_property
    def _begun(self) -> re.Pattern[str]:
        return re.compile(f"{_BEFORE}(?:({self._words(self._totals)})|{self._words(self._notes)}|{_PAGE})")

    @staticmethod
    def _words(words: Sequence[str]) -> str:
        # Printed tables set words of two characters with blanks between; colons are of either width.
        either = {":": "[:：]", "(": "[(（]"}
        spread = (r"\s*".join(either.get(c) or re.escape(c) for c in word) for word in words)
        return "|".join(spread)

    def _is_sparse(self, by_name: Mapping[str, str | None], is_whole: bool) -> bool:
        """Whether the row leaves empty what a row fills.

        Where the word stands for itself, anything that a row must fill; otherwise half of that, or nearly everything.
        """
        filled = sum(bool((value or "").strip()) for value in by_name.values())
        if filled <= max(1, self._width // 4):
            return True
        if self._required:
            empty = sum(not (by_name.get(name) or "").strip() for name in self._required)
            return empty > 0 and (is_whole or 2 * empty >= len(self._required))
        return self._declared or 2 * filled <= self._width


def _first(cells: Sequence[str | None]) -> str:
    return next((cell for cell in cells if cell and cell.strip()), "")
