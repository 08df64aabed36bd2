"""Plots of the catalogue: rows and shares by delivery, a spark of empty values. Text in, SVG text out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines import svg
from pipelines.products.catalogue import words
from pipelines.svg import BLUE, GREY, INK, PALE, WARM

QUARANTINED, DUPLICATE, ACCEPTED = "#c0392b", "#b0bac5", BLUE
COLOURS = {"accepted": ACCEPTED, "duplicate": DUPLICATE, "quarantined": QUARANTINED}
"""The parts of a delivery, from the foot of a bar to its top."""

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 460.0, 170.0, 56.0, 34.0, 12.0


def _figure(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def _frame(deliveries: Sequence[Mapping[str, Any]], most: float, unit: str, bars: list[str], title: str) -> str:
    tall = _HEIGHT - _BOTTOM - _TOP
    body = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + tall * (1 - share)
        body += [
            svg.line(_LEFT, y, _WIDTH - 8, y),
            svg.words(_LEFT - 6, y + 4, f"{_figure(most * share)}{unit}", "end", GREY),
        ]
    body += bars
    body.append(svg.words(_LEFT, _HEIGHT - 16, deliveries[0]["date"], "start", GREY))
    if len(deliveries) > 1:
        body.append(svg.words(_WIDTH - 8, _HEIGHT - 16, deliveries[-1]["date"], "end", GREY))
    return svg.frame(_WIDTH, _HEIGHT, "".join(body), title)


def round_up(number: float) -> float:
    """The next number that can be read off an axis: 1, 2 or 5 times a power of ten, halves of it whole enough."""
    power = 10.0 ** math.floor(math.log10(number)) if number > 0 else 1.0
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if number <= step * power)


def rows(deliveries: Sequence[Mapping[str, Any]], title: str) -> str:
    """Stacked bars, one a delivery: accepted, duplicate, quarantined. Those not accepted stand on a grey ground."""
    most = round_up(max(d["delivered"] for d in deliveries) or 1)
    step, tall = (_WIDTH - _LEFT - 8) / len(deliveries), _HEIGHT - _BOTTOM - _TOP
    wide = min(step * 0.7, 46.0)
    bars = []
    for place, d in enumerate(deliveries):
        x, y = _LEFT + step * place + (step - wide) / 2, _TOP + tall
        if d["state"] != "accepted":
            bars.append(
                svg.bar(
                    _LEFT + step * place,
                    _TOP,
                    step,
                    tall,
                    PALE,
                    f"{d['date']}/{d['delivery']} {words.STATES[d['state']]}",
                )
            )
        for part, colour in COLOURS.items():
            height = tall * d[part] / most
            y -= height
            bars.append(
                svg.bar(x, y, wide, height, colour, f"{d['date']}/{d['delivery']} {words.PARTS[part]} {d[part]:,}")
            )
    return _frame(deliveries, most, "", bars, title)


def shares(deliveries: Sequence[Mapping[str, Any]], title: str) -> str:
    """Quarantined and duplicate rows as shares of the delivery, side by side; the scale fits the largest."""
    parts = (("quarantined", QUARANTINED), ("duplicate", DUPLICATE))
    found = [{part: 100 * d[part] / d["delivered"] if d["delivered"] else 0.0 for part, _ in parts} for d in deliveries]
    most = round_up(max(1.0, *(value for each in found for value in each.values())))
    step, tall = (_WIDTH - _LEFT - 8) / len(deliveries), _HEIGHT - _BOTTOM - _TOP
    wide = min(step * 0.35, 20.0)
    bars = []
    for place, (d, each) in enumerate(zip(deliveries, found, strict=True)):
        middle = _LEFT + step * (place + 0.5)
        for side, (part, colour) in enumerate(parts):
            height = tall * each[part] / most
            x = middle - wide + side * wide
            bars.append(
                svg.bar(
                    x, _TOP + tall - height, wide, height, colour, f"{d['date']} {words.PARTS[part]} {each[part]:.2f} %"
                )
            )
    return _frame(deliveries, most, "%", bars, title)


def spark(values: Sequence[float | None], title: str) -> str:
    """A small row of bars, one a delivery, from nothing to all empty; a delivery without a value leaves a gap."""
    step, tall = 5.0, 16.0
    bars = [svg.line(0, tall, max(step * len(values), step), tall, PALE)]
    for place, value in enumerate(values):
        if value is not None:
            height = max(tall * value, 0.6)
            bars.append(svg.bar(place * step, tall - height, 4, height, WARM if value > 0.5 else INK, f"{value:.1%}"))
    return svg.frame(max(step * len(values), step), tall + 1, "".join(bars), title)
