"""Plots as SVG text, nothing else: bars of a profile, ranks with bands, a line over dates. Same data, same bytes."""

from collections.abc import Sequence
from html import escape

from pipelines import svg
from pipelines.svg import BAND, BLUE, GREY, PALE, WARM


def profile(rows: Sequence[tuple[str, float | None, float | None, str]], title: str) -> str:
    """Horizontal bars on 0-100: (name, score or None, mark of comparison or None, words where there is no score)."""
    left, right, step = 120.0, 60.0, 26.0
    width, height = 560.0, step * len(rows) + 24
    span = width - left - right
    body = []
    for tick in range(0, 101, 25):
        x = left + span * tick / 100
        body.append(f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 20:.1f}" stroke="{PALE}"/>')
        body.append(svg.words(x, height - 6, str(tick), "middle", GREY))
    for number, (name, score, mark, words) in enumerate(rows):
        y = number * step + 4
        body.append(svg.words(left - 8, y + 13, name, "end"))
        if score is None:
            body.append(svg.words(left + 6, y + 13, words, colour=GREY))
            continue
        body.append(f'<rect x="{left}" y="{y:.1f}" width="{span * score / 100:.1f}" height="18" fill="{BLUE}"/>')
        # The number stands clear of the mark wherever that is.
        beside = mark is not None and -2 < (mark - score) * span / 100 < 36
        body.append(svg.words(left + span * (mark if beside and mark else score) / 100 + 5, y + 13, f"{score:.1f}"))
        if mark is not None:
            x = left + span * mark / 100
            body.append(
                f'<line x1="{x:.1f}" y1="{y - 2:.1f}" x2="{x:.1f}" y2="{y + 20:.1f}" stroke="{WARM}" stroke-width="2"/>'
            )
    return svg.frame(width, height, "".join(body), title)


def bands(rows: Sequence[tuple[str, float, float, float]], most: int, title: str) -> str:
    """Ranks with bands: (name, rank, low, high), ranks from 1 to `most`."""
    left, right, step = 190.0, 20.0, 15.0
    width, height = 640.0, step * len(rows) + 26
    span = width - left - right

    def at(rank: float) -> float:
        return left + span * (rank - 1) / max(most - 1, 1)

    body = []
    # The last round number gives way where it would run into the number of areas.
    for tick in sorted({1, *range(50, most - max(1, most // 20), 50), most}):
        body.append(f'<line x1="{at(tick):.1f}" y1="0" x2="{at(tick):.1f}" y2="{height - 20:.1f}" stroke="{PALE}"/>')
        body.append(svg.words(at(tick), height - 6, str(tick), "middle", GREY))
    for number, (name, rank, low, high) in enumerate(rows):
        y = number * step + 10
        body.append(svg.words(left - 8, y + 4, name if len(name) <= 14 else name[:13] + "…", "end"))
        wide = max(at(high) - at(low), 1.0)
        body.append(f'<rect x="{at(low):.1f}" y="{y - 3:.1f}" width="{wide:.1f}" height="6" fill="{BAND}"/>')
        body.append(f'<circle cx="{at(rank):.1f}" cy="{y:.1f}" r="3.4" fill="{BLUE}"/>')
    return svg.frame(width, height, "".join(body), title)


def trend(points: Sequence[tuple[str, float]], title: str) -> str:
    """Scores over dates, evenly spaced, on 0-100."""
    width, height, left, bottom = 420.0, 150.0, 34.0, 24.0
    span, tall = width - left - 20, height - bottom - 10
    body = []
    for tick in (0, 50, 100):
        y = 10 + tall * (1 - tick / 100)
        body.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 20:.1f}" y2="{y:.1f}" stroke="{PALE}"/>')
        body.append(svg.words(left - 6, y + 4, str(tick), "end", GREY))
    places = [
        (left + span * (number / max(len(points) - 1, 1)), 10 + tall * (1 - score / 100))
        for number, (_, score) in enumerate(points)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    body.append(f'<polyline points="{line}" fill="none" stroke="{BLUE}" stroke-width="2"/>')
    for (x, y), (date, score) in zip(places, points, strict=True):
        body.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{BLUE}"><title>{escape(date)} {score:.1f}</title></circle>'
        )
    body.append(svg.words(left, height - 6, points[0][0], "start", GREY))
    body.append(svg.words(width - 20, height - 6, points[-1][0], "end", GREY))
    return svg.frame(width, height, "".join(body), title)
