"""What reading a column begins with and comes to: cleaned texts, words that say there is nothing, values and rules.

What belongs here: what all kinds of values have in common. What does not: the grammars of numbers (`amounts`), dates
(`days`) and texts (`spelling`), and which of them reads a column (`parse`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

# Nobody sees these: formats and joiners (U+200B, U+202D, U+FEFF …), fillers, variation selectors, control characters.
INVISIBLE = (
    r"[\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}"
    r"\x{E0100}-\x{E01EF}\x{0000}-\x{0008}\x{000E}-\x{001F}\x{007F}]"
)
# What a spreadsheet shows instead of a value. `#FORMULA!` is the workbook reader's own word for one nobody computed.
ERROR_CELL = (
    r"^(?:[#＃](?:REF!|DIV/0!|N/A|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|UNKNOWN!|PYTHON!"
    r"|FORMULA!|GETTING_DATA)|Err:[0-9]{3}|#{3,})$"
)
# A stroke in the place of a number or a date says that there is none.
STROKE = r"^[-–—―−－/／\\]+$"
# In the place of a telephone or an identifier these words say that there is none.
NO_SUCH_THING = (
    r"(?i)^(?:[-–—―−－/／\\*.。?？]+|[暂尚]?无|没有?|无此.*|[无没](?:有)?(?:电话|手机|号码|联系方式|编号|编码|房屋编码)(?:号码?)?"
    r"|不详|不明|不知道?|不清楚|未知|未填写?|未提供|未登记|未留|待补|待核实?|空|空白|拒绝(?:提供|透露)|不愿(?:提供|透露)"
    r"|n/?a|nil|null|none|nan|unknown)$"
)


# Values, and for every rule that any of them breaks which ones do.
Answer = tuple[pl.Series, dict[str, pl.Series]]


@dataclass
class Reading:
    """What reading a column gives: the values, and the rules that can break, each true where broken."""

    value: pl.Expr
    broken: dict[str, pl.Expr] = field(default_factory=dict)


def read_odd(texts: pl.Series, is_usual: pl.Series, read: Callable[[pl.Series], Answer]) -> Answer:
    """Texts that are their own values as they stand, and what `read` makes of the others: few, in most deliveries."""
    odd = (texts.is_not_null() & ~is_usual).arg_true()
    if not len(odd):
        return texts, {}
    values, broken = read(texts.gather(odd))
    nowhere = pl.repeat(False, len(texts), dtype=pl.Boolean, eager=True)
    # A series is changed where it lies.
    return texts.clone().scatter(odd, values), {
        name: nowhere.clone().scatter(odd, rows) for name, rows in broken.items()
    }


def clean(texts: pl.Series) -> pl.Series:
    """Texts without what nobody sees and without surrounding spaces; empty becomes null."""
    stripped = texts.str.replace_all(INVISIBLE, "").str.strip_chars()
    return pl.select(pl.when(stripped != "").then(stripped)).to_series()


def is_error_cell(text: pl.Expr) -> pl.Expr:
    """Where a formula gave no value."""
    return text.str.contains(ERROR_CELL)


def is_missing(texts: pl.Series) -> pl.Series:
    """Where nothing is said. A formula that gave no value leaves a field as empty as no formula does."""
    return texts.is_null() | texts.str.contains(ERROR_CELL).fill_null(False)
