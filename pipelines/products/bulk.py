"""A sheet that takes a whole block of rows at once, written column by column instead of cell by cell.

XlsxWriter writes some 180,000 cells a second; a district's ledgers have 30 million. Only the text of the cells is made
here; the file around it is XlsxWriter's. Works in its constant-memory mode alone.
"""

from datetime import date

import polars as pl
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

# XML cannot hold these, and a name that has one must not make the whole book unreadable.
_UNPRINTABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
_SPREADSHEET_EPOCH = date(1899, 12, 30)


class BulkSheet(Worksheet):
    """A worksheet with `write_block`."""

    def write_block(
        self, first_row: int, frame: pl.DataFrame, positions: list[int], look: Format, date_look: Format
    ) -> None:
        """Writes the columns of `frame` that stand at `positions`, which are sheet columns too, from `first_row` on.

        Strings stay strings whatever they begin with; dates and numbers become such cells; nulls become blank cells
        with the same look. Rows must come after everything written before.
        """
        if not frame.height:
            return
        number = pl.int_range(first_row + 1, first_row + 1 + frame.height, dtype=pl.Int64).cast(pl.String)
        cells = [
            _cell(
                pl.col(frame.columns[i]),
                frame.dtypes[i],
                pl.lit(f'<c r="{xl_col_to_name(i)}') + number,
                look,
                date_look,
            )
            for i in positions
        ]
        lines = frame.select(
            pl.concat_str(pl.lit('<row r="'), number, pl.lit('">'), *cells, pl.lit("</row>"))
        ).to_series()
        last_row = first_row + frame.height - 1
        # The library keeps the row it is at in memory; it must be in the file before ours.
        self._write_single_row(first_row)
        self._check_dimensions(last_row, max(positions))
        self.fh.write("".join(lines))
        self.previous_row = last_row + 1


def _cell(value: pl.Expr, data_type: pl.DataType, start: pl.Expr, look: Format, date_look: Format) -> pl.Expr:
    """The XML of one column's cells; `start` is the opening tag up to the cell's address."""
    if data_type == pl.String:
        text = _escaped(value)
        value = pl.when(text != "").then(
            pl.lit('" t="inlineStr"><is><t xml:space="preserve">') + text + pl.lit("</t></is></c>")
        )
    else:
        if data_type == pl.Date:
            value = (value - pl.lit(_SPREADSHEET_EPOCH)).dt.total_days()
        value = pl.lit('"><v>') + value.cast(pl.String) + pl.lit("</v></c>")
    style = (date_look if data_type == pl.Date else look)._get_xf_index()
    return start + pl.lit(f'" s="{style}') + value.fill_null(pl.lit('"/>'))


def _escaped(value: pl.Expr) -> pl.Expr:
    """Text as XML holds it; what looks like the format's own escape for a character is escaped itself."""
    return (
        value.str.replace_all(_UNPRINTABLE, "")
        .str.replace_all(r"(_x[0-9a-fA-F]{4}_)", "_x005F$1")
        .str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    )
