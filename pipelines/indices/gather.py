"""From table columns to cells: raw values, denominators, statuses, shrinkage, adjustments and screening.

Belongs here: everything before imputation and treatment. Not here: statistics across units except the rate that small
units are shrunk towards.
"""

import numpy as np

from pipelines.indices.cells import MISSING, NOT_APPLICABLE, OBSERVED, ZERO, Array, Cells, Mask
from pipelines.indices.column_methods import Goalposts
from pipelines.indices.expression import Expression, parse_expression
from pipelines.indices.problems import DataError, nearest, some
from pipelines.indices.spec import IndexSpec, Indicator, Resolved
from pipelines.indices.table import Table, statuses
from pipelines.indices.table_parts import Adjustment


def gather(spec: IndexSpec, table: Table) -> Cells:
    """Read every indicator's raw value (or numerator) and denominator from the table."""
    shape = (table.rows, len(spec.indicators))
    cells = Cells(
        spec=spec,
        table=table,
        settings=tuple(spec.resolved(indicator) for indicator in spec.indicators),
        values=np.full(shape, np.nan),
        numerator=np.full(shape, np.nan),
        denominator=np.full(shape, np.nan),
        status=np.full(shape, OBSERVED, dtype=np.int8),
        kept=np.ones(table.rows, dtype=bool),
        basis=basis_rows(spec, table),
    )
    for column, indicator in enumerate(spec.indicators):
        _gather_one(cells, column, indicator)
    cells.snapshot("raw")
    return cells


def basis_rows(spec: IndexSpec, table: Table) -> Mask:
    """Mark the rows that shape statistics: all but the reference rows."""
    basis = np.ones(table.rows, dtype=bool)
    for column, values in spec.units.reference_only.items():
        texts = table.texts(column)
        unknown = sorted(set(values) - set(texts) - {None})
        if unknown:
            hint = nearest(unknown[0], [text for text in texts if text])
            raise DataError(f"units.reference_only: no row has {column} '{unknown[0]}'{hint}")
        basis &= ~np.array([text in values for text in texts], dtype=bool)
    return basis


def read_values(table: Table, text: str, what: str) -> Array:
    """Return a column, or the value of a formula over columns."""
    if text in table.columns:
        return table.numbers(text, what)
    try:
        expression = parse_expression(text)
    except ValueError as fault:
        raise DataError(
            f"{what}: the table has no column '{text}'{nearest(text, table.columns)}, and {fault}"
        ) from fault
    if expression.names == {text} and not expression.past:
        raise DataError(f"{what}: the table has no column '{text}'{nearest(text, table.columns)}")
    known = {name: table.numbers(name, what) for name in expression.names if name in table.columns}
    for past in expression.past:
        known[past.name] = past.value(table.earlier(past.column, past.reach, what))
    if expression.names - known.keys():
        missing = min(expression.names - known.keys())
        raise DataError(f"{what}: the table has no column '{missing}'{nearest(missing, table.columns)} in '{text}'")
    return expression.evaluate(known, table.rows, table.who, what)


def _sources(spec: IndexSpec, indicator: Indicator) -> tuple[str, str | None]:
    """Return the names of the value (or numerator) and of the denominator."""
    if indicator.value is not None:
        return indicator.value, indicator.denominator
    if indicator.numerator is not None:
        return indicator.numerator, indicator.denominator
    if spec.table.layout == "long" and spec.table.numerator is not None:
        denominator = f"{indicator.code}:denominator" if spec.table.denominator is not None else None
        return f"{indicator.code}:numerator", denominator
    return indicator.code, indicator.denominator


def _gather_one(cells: Cells, column: int, indicator: Indicator) -> None:
    what = f"indicator '{indicator.code}'"
    value_name, denominator_name = _sources(cells.spec, indicator)
    values = read_values(cells.table, value_name, what).copy()
    if denominator_name is not None:
        cells.denominator[:, column] = read_values(cells.table, denominator_name, what)
        cells.numerator[:, column] = values
    rule = cells.settings[column].missing
    blank = np.isnan(values)
    declared = statuses(cells.table, indicator.code)
    if declared is not None:
        state = np.array(declared)
        given = ~blank & np.isin(state, ("missing", "not_applicable"))
        values[given] = np.nan
        cells.status[np.isin(state, ("missing",)), column] = MISSING
        cells.status[state == "not_applicable", column] = NOT_APPLICABLE
        for row in np.flatnonzero(cells.status[:, column] != OBSERVED):
            cells.note(row, column, "so declared in the table")
        blank &= cells.status[:, column] == OBSERVED
    if blank.any():
        match rule.blank:
            case "zero":
                values[blank] = 0.0
                cells.numerator[blank, column] = 0.0 if denominator_name is not None else np.nan
            case "error":
                places = some(cells.table.who(int(row)) for row in np.flatnonzero(blank))
                raise DataError(f"{what}: no value for {places}, and its rule for blanks is error")
            case other:
                cells.status[blank, column] = MISSING if other == "missing" else NOT_APPLICABLE
        for row in np.flatnonzero(blank):
            cells.note(row, column, f"blank in the table, read as {rule.blank}")
    if rule.not_applicable_when is not None:
        _not_applicable(cells, column, indicator, rule.not_applicable_when, values)
    cells.values[:, column] = values


def _not_applicable(cells: Cells, column: int, indicator: Indicator, condition: Expression, values: Array) -> None:
    text = condition.text
    truth = read_values(cells.table, text, f"indicator '{indicator.code}', not_applicable_when")
    rows = np.nan_to_num(truth, nan=0.0) != 0
    values[rows] = np.nan
    cells.status[rows, column] = NOT_APPLICABLE
    for row in np.flatnonzero(rows):
        cells.note(row, column, f"not applicable: {text}")


def denominate(cells: Cells) -> None:
    """Divide, scale, shrink small units and set cells by hand; afterwards values are in the indicator's unit."""
    for column, (indicator, setting) in enumerate(zip(cells.spec.indicators, cells.settings, strict=True)):
        if not np.isnan(cells.denominator[:, column]).all():
            _divide(cells, column, setting)
        cells.values[:, column] *= indicator.scale
    cells.snapshot("denominated")
    if any(setting.shrink is not None for setting in cells.settings):
        cells.stages |= {name: np.full(cells.values.shape, np.nan) for name in ("shrink_n", "shrink_rate")}
    for column, (indicator, setting) in enumerate(zip(cells.spec.indicators, cells.settings, strict=True)):
        if setting.shrink is not None:
            _shrink(cells, column, indicator, setting)
    for adjustment in cells.spec.adjustments:
        _adjust(cells, adjustment)
    if any(setting.shrink is not None for setting in cells.settings) or cells.spec.adjustments:
        cells.snapshot("shrunk")
    zero = (cells.values == 0) & (cells.status == OBSERVED)
    cells.status[zero] = ZERO


def _divide(cells: Cells, column: int, setting: Resolved) -> None:
    bottom = cells.denominator[:, column]
    top = cells.values[:, column]
    what = f"indicator '{setting.code}'"
    negative = bottom < 0
    if negative.any():
        raise DataError(
            f"{what}: negative denominator at {some(cells.table.who(int(r)) for r in np.flatnonzero(negative))}"
        )
    present = ~np.isnan(top)
    zero = (bottom == 0) & (cells.status[:, column] != NOT_APPLICABLE)
    if (zero & present).any() and setting.missing.zero_denominator == "error":
        places = some(cells.table.who(int(row)) for row in np.flatnonzero(zero & present))
        message = f"{what}: the denominator is zero at {places}; missing.zero_denominator says what that means"
        raise DataError(message)
    positive = zero & present & (top != 0)
    if positive.any() and setting.missing.zero_denominator == "not_applicable":
        places = some(cells.table.who(int(row)) for row in np.flatnonzero(positive))
        raise DataError(f"{what}: the numerator is not zero but the denominator is, at {places}")
    state = NOT_APPLICABLE if setting.missing.zero_denominator == "not_applicable" else MISSING
    _drop(cells, column, zero & present, state, "denominator is zero")
    _drop(cells, column, np.isnan(bottom) & present, MISSING, "denominator is missing")
    least = setting.missing.least_denominator
    if least is not None:
        _drop(
            cells,
            column,
            (bottom < least) & ~np.isnan(cells.values[:, column]),
            MISSING,
            f"denominator below {least:g}",
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        cells.values[:, column] = cells.values[:, column] / np.where(bottom == 0, np.nan, bottom)


def _drop(cells: Cells, column: int, rows: Mask, status: int, reason: str) -> None:
    cells.values[rows, column] = np.nan
    cells.status[rows, column] = status
    for row in np.flatnonzero(rows):
        cells.note(row, column, reason)


def _shrink(cells: Cells, column: int, indicator: Indicator, setting: Resolved) -> None:
    """Replace a unit's rate r by (n r + k R)/(n + k), R the level's rate, within each period and area of the level."""
    shrink = setting.shrink
    if shrink is None:
        return
    level = next(level for level in cells.spec.levels if level.level == shrink.towards)
    groups = np.array(area_of(cells.table, level.by, level.all))
    size = basis_of(cells, column, setting)
    present = ~np.isnan(cells.values[:, column]) & (size >= 0)
    for period in cells.table.period_order:
        for area in sorted({group for group in groups if group}):
            rows = present & (groups == area) & (cells.periods == period)
            fitting = rows & cells.basis
            bottom = cells.denominator[fitting, column].sum()
            if bottom <= 0:
                continue
            rate = float(cells.numerator[fitting, column].sum() / bottom) * indicator.scale
            cells.record("shrink", setting.code, period, f"rate of {shrink.towards} {area}", rate)
            cells.stages["shrink_rate"][rows, column] = rate
            own = within_posts(cells.values[rows, column], setting)
            pulled = size[rows] * own + shrink.k * within_posts(np.array([rate]), setting)
            cells.values[rows, column] = pulled / (size[rows] + shrink.k)
            cells.stages["shrink_n"][rows, column] = size[rows]


def basis_of(cells: Cells, column: int, setting: Resolved) -> Array:
    """Return what each row's value rests on: the `n` of its shrinkage, else the denominator."""
    if setting.shrink is None or setting.shrink.n is None:
        return cells.denominator[:, column]
    what = f"indicator '{setting.code}', shrink n"
    size = read_values(cells.table, setting.shrink.n, what)
    if (size < 0).any():
        raise DataError(f"{what}: negative at {some(cells.table.who(int(row)) for row in np.flatnonzero(size < 0))}")
    return size


def within_posts(values: Array, setting: Resolved) -> Array:
    """Cut values at the goalposts where shrinkage asks for it.

    A rate far beyond the worst end would otherwise outweigh the best a small unit can show: what lies beyond an end
    scores like the end, and pulls like it.
    """
    shrink, posts = setting.shrink, setting.normalise
    if shrink is None or shrink.within == "nothing" or not isinstance(posts, Goalposts):
        return values
    if not isinstance(posts.low, float) or not isinstance(posts.high, float):
        return values
    return np.clip(values, posts.low, posts.high)


def area_of(table: Table, by: str | None, everything: str | None) -> list[str]:
    """Return each row's area at a level; empty text where it has none."""
    if by is None:
        return [everything or ""] * table.rows
    return [text or "" for text in table.texts(by)]


def _adjust(cells: Cells, adjustment: Adjustment) -> None:
    codes = cells.codes
    if adjustment.indicator not in codes:
        raise DataError(
            f"adjustments: unknown indicator '{adjustment.indicator}'{nearest(adjustment.indicator, codes)}"
        )
    column = codes.index(adjustment.indicator)
    rows = np.array([unit == adjustment.unit for unit in cells.table.units])
    if adjustment.period is not None:
        rows &= cells.periods == adjustment.period
    if not rows.any():
        raise DataError(f"adjustments: unknown unit '{adjustment.unit}'{nearest(adjustment.unit, cells.table.units)}")
    for row in np.flatnonzero(rows):
        old = cells.values[row, column]
        cells.values[row, column] = np.nan if adjustment.value is None else adjustment.value
        cells.status[row, column] = MISSING if adjustment.value is None else OBSERVED
        was = "missing" if np.isnan(old) else f"{old:.12g}"
        cells.note(row, column, f"set by hand (was {was}): {adjustment.reason}")


def screen(cells: Cells) -> None:
    """Take units with too few values, or too few values that are not zero, out of scores and statistics."""
    rule = cells.spec.screen
    if rule is None:
        return
    for name in (*rule.include, *rule.exclude):
        if name not in cells.table.units:
            raise DataError(f"screen: unknown unit '{name}'{nearest(name, cells.table.units)}")
    total = cells.values.shape[1]
    absent = np.isnan(cells.values)
    excluded = (
        (cells.status == NOT_APPLICABLE) if cells.spec.conventions.not_applicable == "excluded" else absent & False
    )
    applicable = total - excluded.sum(axis=1)
    present = total - absent.sum(axis=1)
    zeros = (cells.values == 0).sum(axis=1)
    # Whole numbers are compared, so that 9 of 10 reaches nine tenths exactly.
    share = rule.availability
    low = present * share.denominator < applicable * share.numerator
    if rule.nonzero is not None:
        low |= (present - zeros) * rule.nonzero.denominator < present * rule.nonzero.numerator
    units = np.array(cells.table.units)
    low &= ~np.isin(units, rule.include)
    low |= np.isin(units, rule.exclude)
    cells.kept &= ~low
