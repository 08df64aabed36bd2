"""Drift: which columns of a delivery are no longer what they were, or what their contract says they must be.

Pure functions over the shapes in receipts (`shape`) and the declared limits (`limits`). Every share is taken with its
margin (Wilson's interval), so that a few rows prove nothing and an ordinary month holds nothing. What becomes of a
delivery is decided in `judge`.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import Column
from pipelines.feeds.limits import ColumnLimits, of_column
from pipelines.feeds.messages import state_reason
from pipelines.feeds.shape import KEYS, ColumnShape, Shape, column_of, is_size


@dataclass(frozen=True)
class Share:
    """A number of cases out of all, with the bounds within which the true share lies."""

    cases: int
    of: int
    z: float

    @property
    def percent(self) -> float:
        """The share as it is."""
        return 100 * self.cases / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        """The least it may be, in per cent."""
        return self._bound(-1)

    @property
    def high(self) -> float:
        """The most it may be, in per cent."""
        return self._bound(+1)

    def _bound(self, sign: int) -> float:
        """Wilson's bound: it stays inside 0 to 100, and is wide where there are few."""
        if not self.of:
            return 0.0 if sign < 0 else 100.0
        z2 = self.z**2
        centre = self.cases + z2 / 2
        half = self.z * math.sqrt(self.cases * (self.of - self.cases) / self.of + z2 / 4)
        return 100 * (centre + sign * half) / (self.of + z2)


@dataclass(frozen=True)
class Before:
    """What a delivery is compared with: shapes of accepted deliveries of earlier dates.

    A snapshot is compared with the one before, an increment with all before it together. `all` has whatever came;
    `alike` only what can be compared in its mix (not the stock an increment began with); `last` is the snapshot before,
    whose keys should come again.
    """

    all: Shape
    alike: Shape
    last: Shape

    def after(self, contract: Contract, shape: Shape, is_stock: bool) -> "Before":
        """The same with one more accepted delivery."""
        if contract.delivery.load == "snapshot":
            return Before(shape, shape, shape)
        return Before(_together(self.all, shape), self.alike if is_stock else _together(self.alike, shape), {})


NOTHING = Before({}, {}, {})


def reasons(contract: Contract, shape: Shape, earlier: Before, rules: Mapping[str, int]) -> Iterator[str]:
    """Why the delivery must wait for a person: one sentence a column and kind, in the contract's order.

    `rules` are the receipt's counts of broken rules, to name the one that is broken most.
    """
    for name, now in shape.items():
        column = contract.by_name[column_of(name)]
        limits = of_column(contract.limits, contract.delivery.drift, column.name)
        judged = _Judged(contract, column, limits, now)
        yield from judged.unreadable(earlier.all.get(name), rules)
        yield from judged.empty(earlier.alike.get(name))
        yield from judged.unknown(earlier.last.get(name))
        yield from judged.moved(earlier.alike.get(name))


@dataclass(frozen=True)
class _Judged:
    contract: Contract
    column: Column
    limits: ColumnLimits
    now: ColumnShape

    def unreadable(self, then: ColumnShape | None, rules: Mapping[str, int]) -> Iterator[str]:
        now = self._share(self.now.broken, self.now.filled)
        was = self._share(then.broken, then.filled) if then else None
        if not self._too_much(now, was, self.limits.unreadable_pct, self.limits.unreadable_leap):
            return
        codes = {code: n for code, n in rules.items() if code.split(".")[1] == self.column.name}
        rule = max(sorted(codes), key=lambda code: codes[code], default="")
        yield self._told("unreadable", now, was, rule=rule)

    def empty(self, then: ColumnShape | None) -> Iterator[str]:
        now = self._share(self.now.empty, self.now.rows)
        was = self._share(then.empty, then.rows) if then else None
        most = self.limits.empty_pct if self.column.required else None
        if self._too_much(now, was, most, self.limits.empty_leap):
            yield self._told("emptied", now, was)

    def unknown(self, then: ColumnShape | None) -> Iterator[str]:
        """Keys that both snapshots have, of the smaller one's: a register may grow or shrink, but keeps its keys.

        Of those small enough to stand in both samples.
        """
        if then is None or self.limits.known_pct is None or not self.now.keys or not then.keys:
            return
        ends = [keys[-1] for keys in (self.now.keys, then.keys) if len(keys) == KEYS]
        now, was = ({key for key in keys if not ends or key <= min(ends)} for keys in (self.now.keys, then.keys))
        known = self._share(len(now & was), min(len(now), len(was)))
        if self._is_enough(known.of) and known.high < self.limits.known_pct:
            yield self._told("unlinkable", known, None)

    def moved(self, then: ColumnShape | None) -> Iterator[str]:
        """Codes, yes and no, the form of texts; and the size of numbers."""
        if then is None:
            return
        z = self.contract.limits.confidence
        kinds = [("form", self.now.forms, then.forms, self.limits.form_leap)]
        if is_size(self.column):
            yield from self._resized(then)
        else:
            kinds.append(("mix", self.now.mix, then.mix, self.limits.mix_leap))
        for kind, now, was, most in kinds:
            if most is None or not self._is_enough(min(sum(now.values()), sum(was.values()))):
                continue
            moved, margin = distance(now, was, z)
            if moved - margin > most:
                yield self._moved(kind, now, was, moved)

    def _resized(self, then: ColumnShape) -> Iterator[str]:
        """Another unit: numbers that are larger or smaller by orders of magnitude, not the growth of a sum."""
        now, was, most = self.now.mix, then.mix, self.limits.size_leap
        if most is None or not self._is_enough(min(sum(now.values()), sum(was.values()))):
            return
        (after, margin), (before, more) = (mean(sizes) for sizes in (now, was))
        orders = after - before
        if abs(orders) - self.contract.limits.confidence * math.hypot(margin, more) > most:
            yield self._say("resized", orders=orders)

    def _moved(self, kind: str, now: Mapping[str, int], was: Mapping[str, int], moved: float) -> str:
        """With the code whose share moved most; of restricted columns no code is told."""
        if self.column.classification == "restricted" and kind == "mix":
            return self._say("mix_leapt_restricted", moved=moved)
        shares = {code: (_percent(was, code), _percent(now, code)) for code in sorted({*now, *was})}
        code = max(shares, key=lambda c: (round(abs(shares[c][1] - shares[c][0]), 6), shares[c][1]))
        return self._say(f"{kind}_leapt", moved=moved, code=code, was=shares[code][0], now=shares[code][1])

    def _too_much(self, now: Share, was: Share | None, most: float | None, leap: float | None) -> bool:
        """Beyond the limit that needs no history and not so before; or a leap beyond what was."""
        if not self._is_enough(now.of):
            return False
        is_comparable = was is not None and self._is_enough(was.of)
        if most is not None and now.low > most and not (is_comparable and was is not None and was.percent > most):
            return True
        return is_comparable and was is not None and leap is not None and now.low - was.high > leap

    def _is_enough(self, values: int) -> bool:
        return values >= self.contract.limits.least_values

    def _share(self, cases: int, of: int) -> Share:
        return Share(cases, of, self.contract.limits.confidence)

    def _told(self, kind: str, now: Share, was: Share | None, **more: str) -> str:
        kind = kind if was is not None and was.of or kind == "unlinkable" else f"{kind}_at_once"
        return self._say(kind, now=now.percent, of=now.of, was=was.percent if was else 0.0, **more)

    def _say(self, kind: str, **words: object) -> str:
        column = self.column
        return state_reason(
            kind, column=column.name, raw=column.physical or column.name, feed=self.contract.feed, **words
        )


def distance(now: Mapping[str, int], was: Mapping[str, int], z: float) -> tuple[float, float]:
    """Points of per cent that two mixes differ by (half the sum of differences), and how many chance may explain.

    Two samples of one mix differ by four tenths of the sum of their standard errors, on average, and vary around that.
    """
    n, m = sum(now.values()), sum(was.values())
    codes = {*now, *was}
    moved = sum(abs(now.get(code, 0) / n - was.get(code, 0) / m) for code in codes) / 2
    variances = [_variance(now.get(code, 0), n) + _variance(was.get(code, 0), m) for code in codes]
    margin = 0.4 * sum(map(math.sqrt, variances)) + z * math.sqrt(sum(variances)) / 2
    return 100 * moved, 100 * margin


def mean(sizes: Mapping[str, int]) -> tuple[float, float]:
    """The mean order of magnitude and its standard error."""
    n = sum(sizes.values())
    middle = sum(int(size) * count for size, count in sizes.items()) / n
    # Nobody is sure of an order of magnitude: where all are the same they may still be near the next.
    spread = sum(count * (int(size) - middle) ** 2 for size, count in sizes.items()) / n
    return middle, math.sqrt((spread + 1 / 12) / n)


def _variance(cases: int, of: int) -> float:
    """Of a share; one case more on either side, so that none at all is no certainty."""
    share = (cases + 1) / (of + 2)
    return share * (1 - share) / of


def _percent(mix: Mapping[str, int], code: str) -> float:
    return 100 * mix.get(code, 0) / sum(mix.values())


def _together(some: Shape, more: Shape) -> Shape:
    """Counts of both added up, as of one delivery."""
    return {name: _sum(some[name], more[name]) if name in some and name in more else {**some, **more}[name]
            for name in {**some, **more}}  # fmt: skip


def _sum(one: ColumnShape, other: ColumnShape) -> ColumnShape:
    return ColumnShape(
        rows=one.rows + other.rows,
        empty=one.empty + other.empty,
        broken=one.broken + other.broken,
        mix=Counter(one.mix) + Counter(other.mix),
        forms=Counter(one.forms) + Counter(other.forms),
    )
