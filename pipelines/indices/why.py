"""Why a score is not what the observed value alone would say, in the words of the people it is about.

Read from a published cell and its part (rows of `index_cell` and `index_part`): how far the value was drawn to the
level above, and where a goalpost cut it. Belongs here: the sentence. Not here: the arithmetic (`gather`, `normalise`)
and what may not be shown (`report.hiding`).
"""

from collections.abc import Mapping
from typing import Any

_SAME = 5e-3


def why(cell: Mapping[str, Any], part: Mapping[str, Any], exact: bool = True) -> str | None:
    """Say why observed, used and score differ; None where the score follows from the observed value as it stands.

    Without `exact`, what the value rests on is told in tenths: whoever knows every denominator could solve for a value
    that is hidden elsewhere.
    """
    if cell.get("observed") is None or cell.get("score") is None:
        return None
    said = [text for text in (_pulled(cell, part, exact), _at_an_end(cell, part)) if text]
    return "；".join(said) or None


def _pulled(cell: Mapping[str, Any], part: Mapping[str, Any], exact: bool) -> str:
    n, k, rate = cell.get("shrink_n"), part.get("shrink_k"), cell.get("shrink_rate")
    if n is None or k is None or rate is None or abs(cell["used"] - cell["observed"]) < _SAME:
        return ""
    share = n / (n + k)
    counted = part.get("shrink_counts") or "例"
    if exact:
        weights = f"本地 {_plain(n)} {counted}与全区水平 {_plain(rate)}{_unit(part)}按 {_plain(n)}∶{_plain(k)} 合计"
    else:
        own = min(max(round(share * 10), 1), 9)
        weights = f"本地数量不多，与全区水平 {_plain(rate)}{_unit(part)}合计：本地占约 {own * 10}%"
    return weights + "".join(_cut(cell, part, rate))


def _cut(cell: Mapping[str, Any], part: Mapping[str, Any], rate: float) -> list[str]:
    """What lay beyond a goalpost before it was averaged."""
    low, high = part.get("goalpost_low"), part.get("goalpost_high")
    if part.get("shrink_within") != "goalposts" or low is None or high is None:
        return []
    named = (("本地", cell["observed"]), ("全区", rate))
    return [
        f"，{who}在目标区间外，按 {_plain(min(max(value, low), high))} 计"
        for who, value in named
        if not low - _SAME <= value <= high + _SAME
    ]


def _at_an_end(cell: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    low, high = part.get("goalpost_low"), part.get("goalpost_high")
    if low is None or high is None:
        return ""
    worst, best = (low, high) if part.get("direction") == "more" else (high, low)
    used, sign = cell["used"], 1 if best > worst else -1
    if (used - worst) * sign <= 1e-9:
        return f"不好于最低目标值 {_plain(worst)}，计最低分"
    if (best - used) * sign <= 1e-9:
        return f"达到目标值 {_plain(best)}，计满分"
    return ""


def _unit(part: Mapping[str, Any]) -> str:
    return part.get("unit") or ""


def _plain(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
