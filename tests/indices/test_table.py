"""Tables: layouts, blanks, and everything that is no number or stands twice."""

import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.problems import DataError
from pipelines.indices.table import make_table, read_frame
from tests.indices.conftest import column, flat, spec, table


def test_text_columns_are_parsed_and_named_blanks_are_missing():
    made = make_table(flat("x"), table(x=["1.5", " 2 ", "NA", None, ".."]))
    assert made.numbers("x")[:2].tolist() == [1.5, 2.0]
    assert made.numbers("x")[2:].tolist() != made.numbers("x")[2:].tolist()


@pytest.mark.parametrize(
    ("values", "words"),
    [(["1,420", "2"], "u0: '1,420' is not a number"), ([float("nan"), 1.0], "NaN or infinity at u0"),
     ([1.0, float("inf")], "NaN or infinity at u1"),
     (["NaN", "1"], "NaN or infinity")],
)  # fmt: skip
def test_what_is_no_number_is_an_error_with_its_unit(values, words):
    with pytest.raises(DataError, match=words):
        make_table(flat("x"), table(x=values)).numbers("x")


def test_nan_may_be_declared_to_mean_missing():
    head = "table: {missing: ['', NaN]}"
    made = make_table(flat("x", head=head), table(x=["NaN", "1"]))
    assert made.numbers("x").tolist()[1] == 1.0


def test_a_number_may_mean_missing_in_any_kind_of_column():
    for values in ([-99.0, 1.0], [-99, 1], ["-99", "1"]):
        made = make_table(flat("x", head="table: {missing: [-99]}"), table(x=values))
        assert made.numbers("x").tolist()[1] == 1.0 and made.numbers("x")[0] != made.numbers("x")[0]


def test_duplicate_and_empty_keys_are_errors():
    with pytest.raises(DataError, match="two rows for a"):
        make_table(flat("x"), pl.DataFrame({"unit": ["a", "a"], "x": [1, 2]}))
    with pytest.raises(DataError, match="'unit' is empty"):
        make_table(flat("x"), pl.DataFrame({"unit": ["a", None], "x": [1, 2]}))
    with pytest.raises(DataError, match="did you mean 'unitt'"):
        make_table(flat("x"), pl.DataFrame({"unitt": ["a"], "x": [1]}))


def test_a_missing_column_is_named_with_the_nearest_one():
    with pytest.raises(DataError, match="no column 'xx' .did you mean 'xxx'"):
        build(flat("xx"), table(xxx=[1, 2]))


def test_rows_do_not_depend_on_their_order():
    frame = table(x=[3.0, 1.0, 2.0])
    assert build(flat("x"), frame).scores().equals(build(flat("x"), frame.reverse()).scores())


def test_periods_sort_as_numbers_and_floats_lose_their_zero():
    frame = pl.DataFrame({"unit": ["a"] * 3, "year": [10.0, 9.0, 2.0], "x": [1, 2, 3]})
    assert make_table(flat("x", head="table: {period: year}"), frame).period_order == ("2", "9", "10")


LONG = "table: {layout: long, numerator: num, denominator: den, status: status, extra: [n]}"


def test_long_tables_carry_numerators_denominators_and_statuses():
    frame = pl.DataFrame(
        {
            "unit": ["a", "a", "b", "b"],
            "indicator": ["x", "y", "x", "y"],
            "num": [1, 2, None, 0],
            "den": [4, 4, None, 0],
            "n": [4, 4, 0, 0],
            "status": ["observed", "observed", "missing", "not_applicable"],
        }
    )
    result = build(flat("x y", head=LONG + "\nunits: {all_missing: keep}"), frame)
    assert column(result) == [0.375, None]
    status = result.lineage().sort("area_code", "indicator")["status"].to_list()
    assert status == ["observed", "observed", "missing", "not_applicable"]
    assert make_table(flat("x y", head=LONG), frame).numbers("x:n").tolist() == [4, 0]


def test_long_tables_refuse_unknown_absent_and_doubled_indicators():
    frame = pl.DataFrame({"unit": ["a", "a"], "indicator": ["x", "yy"], "value": [1, 2]})
    head = "table: {layout: long, value: value}"
    with pytest.raises(DataError, match="unknown indicator 'yy'.*; table.others: ignore leaves such rows out"):
        build(flat("x y", head=head), frame)
    with pytest.raises(DataError, match="no row for indicator y"):
        build(flat("x y", head="table: {layout: long, value: value, others: ignore}"), frame)
    with pytest.raises(DataError, match="two rows for a, indicator x"):
        build(flat("x", head=head), pl.DataFrame({"unit": ["a", "a"], "indicator": ["x", "x"], "value": [1, 2]}))
    with pytest.raises(DataError, match="unknown status 'fine'"):
        build(
            flat("x", head=head.replace("}", ", status: s}")),
            pl.DataFrame({"unit": ["a"], "indicator": ["x"], "value": [1], "s": ["fine"]}),
        )


def test_unit_attributes_are_joined_and_must_cover_every_unit():
    made = make_table(flat("x"), table(x=[1, 2]), pl.DataFrame({"unit": ["u1", "u0"], "town": ["t1", "t0"]}))
    assert made.texts("town") == ["t0", "t1"]
    with pytest.raises(DataError, match="lacks unit u1"):
        make_table(flat("x"), table(x=[1, 2]), pl.DataFrame({"unit": ["u0"], "town": ["t0"]}))


def test_where_keeps_named_rows_and_exclude_drops_units():
    frame = table(x=[1, 2, 3], kind=["a", "b", "a"])
    assert make_table(flat("x", head="table: {where: {kind: a}}"), frame).units == ("u0", "u2")
    assert make_table(flat("x", head="units: {exclude: u2}"), frame).units == ("u0", "u1")
    with pytest.raises(DataError, match="no rows that satisfy"):
        make_table(flat("x", head="table: {where: {kind: c}}"), frame)


def test_a_byte_order_mark_and_semicolons_are_met(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffunit;x\n01;1.5\n".encode())
    made = make_table(flat("x"), read_frame(path))
    assert made.units == ("01",) and made.numbers("x").tolist() == [1.5]


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "xlsx"])
def test_files_give_the_same_table(tmp_path, ending):
    frame = pl.DataFrame({"unit": ["01", "02"], "x": [1.5, 2.5]})
    path = tmp_path / f"t.{ending}"
    match ending:
        case "csv":
            frame.write_csv(path)
        case "tsv":
            frame.write_csv(path, separator="\t")
        case "parquet":
            frame.write_parquet(path)
        case _:
            frame.write_excel(path)
    made = make_table(flat("x"), read_frame(path))
    assert made.units == ("01", "02") and made.numbers("x").tolist() == [1.5, 2.5]


def test_a_workbook_with_unnamed_columns_blank_rows_and_dates(tmp_path):
    from datetime import date

    from openpyxl import Workbook

    book = Workbook()
    for row in (
        ["unit", None, "period", "a"],
        ["x", "remark", date(2025, 10, 31), 1.5],
        [None, None, None, None],
        ["x", None, date(2026, 10, 31), 2],
    ):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    found = read_frame(tmp_path / "t.xlsx")
    assert found.columns == ["unit", "period", "a"]
    assert found.rows() == [("x", "2025-10-31", "1.5"), ("x", "2026-10-31", "2")]
    book.active["B1"] = "a"
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="'t.xlsx' has two columns 'a'"):
        read_frame(tmp_path / "t.xlsx")


def test_an_unknown_file_kind_or_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_frame(tmp_path / "t.csv")
    (tmp_path / "t.doc").write_text("x")
    with pytest.raises(DataError, match="a table is"):
        read_frame(tmp_path / "t.doc")


def test_formulas_over_columns_are_values():
    made = spec(
        'code: x, parent: ROOT, direction: more, value: "where(kids == 0, null, 100 * seats / kids)", normalise: none'
    )
    result = build(made, table(seats=[10, 5], kids=[20, 10]))
    assert column(result) == [50.0, 50.0]
