"""Which values a report may not show: small cells, and those a small cell could be computed from.

A dimension's score follows from its indicators, and an area's value from its parts (numerators and denominators add
up), so that one hidden value alone would be no secret. Not here: reading and showing.
"""

from typing import Any

from pipelines.indices.report.facts import Area, Facts


def hide(facts: Facts) -> None:
    """Set `hidden` of every area: small cells first, then companions until no rule asks for another."""
    for area in _areas(facts):
        area.hidden = small_cells(facts, area)
    while any([_within_dimensions(facts), _between_levels(facts)]):
        pass


def small_cells(facts: Facts, area: Area) -> set[str]:
    """Return the indicators that rest on fewer than `least_n`, or on 1 to `least_count` - 1 cases or exceptions.

    Indicators that count no people (`publish.open`) are never small.
    """
    least_n, least_count = facts.edition["least_n"], facts.edition["least_count"]
    countable = set(area.cells) - facts.open
    return {c for c in countable if _has_value(area, c) and is_small(area.cells[c], least_n, least_count)}


def is_small(cell: dict[str, Any], least_n: int, least_count: int) -> bool:
    """Say whether a cell rests on too few cases; cells without numerator and denominator never do."""
    top, bottom = cell["numerator"], cell["denominator"]
    if top is None or bottom is None:
        return False
    exceptions = bottom - top
    few = 0 < top < least_count or (top <= bottom and 0 < exceptions < least_count)
    return bool(bottom < least_n or few)


def _areas(facts: Facts) -> list[Area]:
    return [area for level in facts.levels() for _, area in sorted(facts.areas.get(level, {}).items())]


def _has_value(area: Area, code: str) -> bool:
    return area.cells.get(code, {}).get("normalised") is not None


def _weight(area: Area, code: str) -> tuple[float, str, str]:
    return area.cells[code]["denominator"] or 0.0, area.code, code


def _within_dimensions(facts: Facts) -> bool:
    """Hide a second indicator where exactly one of a dimension is hidden: its score would give the one away."""
    changed = False
    for area in _areas(facts):
        for node in facts.dimensions:
            valued = [code for code in facts.indicators(node) if _has_value(area, code)]
            shown = [code for code in valued if code not in area.hidden]
            if len(valued) - len(shown) == 1 and shown:
                area.hidden.add(min(shown, key=lambda code: _weight(area, code)))
                changed = True
    return changed


def _between_levels(facts: Facts) -> bool:
    """Hide a second part where exactly one is hidden below an area that shows its value, or one where none is.

    An area with one part only hides what that part hides; an area that hides a value has a part that hides it too.
    """
    changed = False
    levels = facts.levels()
    for lower, upper in zip(levels, levels[1:], strict=False):
        wholes = facts.areas.get(upper, {})
        for _, area in sorted(wholes.items()):
            # The one area of the highest level has all below it as its parts.
            parts = [
                part for _, part in sorted(facts.areas[lower].items()) if area.code in (part.parent, *_only(wholes))
            ]
            for code in sorted(code for code in area.cells if _has_value(area, code)):
                valued = [part for part in parts if _has_value(part, code)]
                shown = [part for part in valued if code not in part.hidden]
                missing = _needed(len(valued) - len(shown), code in area.hidden)
                if missing and shown:
                    chosen = min(shown, key=lambda part: _weight(part, code))
                    chosen.hidden.add(code)
                    changed = True
                elif missing and valued:
                    area.hidden.add(code)
                    changed = True
    return changed


def _needed(hidden: int, whole_is_hidden: bool) -> bool:
    """Say whether one more part must be hidden."""
    return hidden == 0 if whole_is_hidden else hidden == 1


def _only(wholes: dict[str, Area]) -> list[str]:
    return list(wholes) if len(wholes) == 1 else []
