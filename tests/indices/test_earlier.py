"""Earlier periods read by formulas: lag and past mean, with gaps, missing rows and uneven panels."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.indices.build import build
from pipelines.indices.expression import parse_expression
from pipelines.indices.load import parse_spec

SPEC = """index: t
edition: "1"
table: {{unit: u, period: y}}
units: {{all_missing: keep}}
defaults: {{normalise: none}}
nodes: [{{code: R}}]
indicators:
  - {{code: i, parent: R, direction: more, value: "{formula}"}}
  - {{code: one, parent: R, direction: more, weight: 0, value: "1"}}
"""


def _found(formula: str, rows: list[tuple[str, int, float | None]]) -> dict[tuple[str, str], float | None]:
    spec = SPEC.format(formula=formula).replace("code: i,", "code: i, weight: 1,")
    frame = pl.DataFrame(rows, schema={"u": pl.String, "y": pl.Int64, "x": pl.Float64}, orient="row")
    cells = build(parse_spec(spec), frame).lineage().filter(pl.col("indicator") == "i")
    return {(unit, period): raw for unit, period, raw in cells.select("area_code", "period", "raw").rows()}


PANELS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(2018, 2022)),
    st.one_of(st.none(), st.integers(-50, 50).map(float)),
    min_size=4,
).filter(lambda panel: len({year for _, year in panel}) > 1 and any(v is not None for v in panel.values()))


@settings(max_examples=60, deadline=None)
@given(PANELS, st.integers(1, 4))
def test_earlier_values_are_those_of_the_unit_by_periods_of_the_table(panel, count):
    rows = [(unit, year, value) for (unit, year), value in panel.items()]
    years = sorted({year for _, year in panel})

    def before(unit: str, year: int, back: int) -> float | None:
        place = years.index(year) - back
        return panel.get((unit, years[place])) if place >= 0 else None

    expected_lag = {(u, str(y)): before(u, y, count) for u, y in panel}
    expected_mean = {}
    for u, y in panel:
        there = [v for v in (before(u, y, back) for back in range(count)) if v is not None]
        expected_mean[u, str(y)] = sum(there) / len(there) if there else None
    if any(value is not None for value in expected_lag.values()):
        assert _found(f"lag(x, {count})", rows) == expected_lag
    found = _found(f"past_mean(x, {count})", rows)
    assert {key: value is None for key, value in found.items()} == {k: v is None for k, v in expected_mean.items()}
    assert {k: v for k, v in found.items() if v is not None} == pytest.approx(
        {k: v for k, v in expected_mean.items() if v is not None}
    )


@pytest.mark.parametrize(
    "text", ["lag(x)", "lag(x, 0)", "lag(x, -1)", "lag(x, 1.5)", "lag(x + 1, 2)", "lag(1, x)", "past_mean(x, n)"]
)
def test_what_is_no_reading_of_earlier_periods(text):
    with pytest.raises(ValueError, match="takes a column and a whole number of periods"):
        parse_expression(text)


def test_columns_of_any_name_may_be_read():
    past = parse_expression('x / lag(col("GDP per head"), 5) + past_mean(x, 3)').past
    assert {(one.function, one.column, one.periods) for one in past} == {
        ("lag", "GDP per head", 5),
        ("past_mean", "x", 3),
    }
