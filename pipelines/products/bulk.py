"""Rows of a sheet as XML text, made column by column for many sheets at once, and a sheet that takes such text.

XlsxWriter writes some 180,000 cells a second; a district's ledgers have 30 million. Only the text of the rows is made
here; the file around it is XlsxWriter's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

# XML cannot hold these, and a name that has one must not make the whole book unreadable.
_UNPRINTABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
_SPREADSHEET_EPOCH = date(1899, 12, 30)


@dataclass(frozen=True)
class Block:
    """The rows of one sheet: how many, and their XML."""

    rows: int
    xml: str


LINE_HEIGHT = 15
"""Points of one line of ten-point text."""


def render(
    frame: pl.DataFrame,
    group: str,
    columns: dict[int, str],
    first_row: int,
    style: int,
    date_style: int,
    widths: Mapping[int, int] | None = None,
) -> dict[str, Block]:
    """The rows of each group of `frame`, in its order; groups must lie together.

    Sheet column 0 gets a running number, `columns` says which frame column goes to which sheet column. Strings stay
    strings whatever they begin with, dates and numbers become such cells, nulls blank cells; `style` and `date_style`
    are the book's numbers of the looks. `first_row` counts from 0 as XlsxWriter does. With the `widths` of its columns
    a row is as high as its longest text needs: not every program measures wrapped text when it opens or prints a file.
    """
    if not frame.height:
        return {}
    running = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(group)
    number = (running + first_row).cast(pl.String)
    cells = [_cell(running, pl.Int64(), pl.lit('<c r="A') + number, style, date_style)]
    cells += [
        _cell(pl.col(name), frame.schema[name], pl.lit(f'<c r="{xl_col_to_name(i)}') + number, style, date_style)
        for i, name in columns.items()
    ]
    height = _height([(name, (widths or {})[i]) for i, name in columns.items() if i in (widths or {})], frame.schema)
    opening = (pl.lit('<row r="'), number, pl.lit('"'), height, pl.lit(">"))
    lines = frame.select(pl.col(group), line=pl.concat_str(*opening, *cells, pl.lit("</row>")))
    joined = lines.group_by(group, maintain_order=True).agg(rows=pl.len(), xml=pl.col("line").str.join(""))
    return {key: Block(rows, xml) for key, rows, xml in joined.iter_rows()}


class BulkSheet(Worksheet):
    """A worksheet that takes rendered rows."""

    def __init__(self) -> None:
        super().__init__()
        self.dim_rowmax: int | None
        self._block: tuple[int, Block] | None = None

    def write_rendered(self, first_row: int, block: Block, last_column: int) -> None:
        """Takes a block rendered for `first_row`, one a sheet; cells written one by one must all be above it."""
        self._block = (first_row, block)
        self._check_dimensions(first_row + block.rows - 1, last_column)

    def _write_rows(self) -> None:
        """XlsxWriter's own rows, then the block."""
        if self._block is None:
            super()._write_rows()
            return
        first_row, block = self._block
        last_row, self.dim_rowmax = self.dim_rowmax, first_row - 1
        super()._write_rows()
        self.dim_rowmax = last_row
        self.fh.write(block.xml)


def _cell(value: pl.Expr, data_type: pl.DataType, start: pl.Expr, style: int, date_style: int) -> pl.Expr:
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
    look = date_style if data_type == pl.Date else style
    return start + pl.lit(f'" s="{look}') + value.fill_null(pl.lit('"/>'))


def _height(columns: list[tuple[str, int]], schema: pl.Schema) -> pl.Expr:
    """The attributes of a row that needs more than one line; a Chinese character is as wide as two letters."""
    needed = [
        # In UTF-8 a letter has one byte and a Chinese character three.
        ((pl.col(name).str.len_bytes() + pl.col(name).str.len_chars()) / 2 / (width - 1)).ceil()
        + pl.col(name).str.count_matches("\n", literal=True)
        for name, width in columns
        if schema[name] == pl.String
    ]
    if not needed:
        return pl.lit("")
    points = (pl.max_horizontal(needed).cast(pl.Int64) * LINE_HEIGHT).clip(upper_bound=400)
    tall = pl.lit(' ht="') + points.cast(pl.String) + pl.lit('" customHeight="1"')
    return pl.when(points > LINE_HEIGHT).then(tall).otherwise(pl.lit("")).fill_null("")


def _escaped(value: pl.Expr) -> pl.Expr:
    """Text as XML holds it; what looks like the format's own escape for a character is escaped itself."""
    return (
        value.str.replace_all(_UNPRINTABLE, "")
        .str.replace_all(r"(_x[0-9a-fA-F]{4}_)", "_x005F$1")
        .str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    )
