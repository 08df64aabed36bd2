"""One spelling for what people write in addresses: widths, digits, units, joins. Text in, text out.

What belongs here: foldings that hold wherever an address is. What does not: the parts of an address (`address`) and
the names of places (`address_names`). An address no folding concerns comes back as it was.
"""

import re

import polars as pl

LONGEST = 200
"""Characters of an address that are read; a longer text is no address."""

_DIGITS = {
    "〇": 0,
    "○": 0,
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = "[〇○零一二两三四五六七八九十百千廿]+"
_COUNTED = "(?:支弄|弄|号|#|幢|栋|座|单元|室|层|楼|村民小组|小组|生产队|组|队|户)"
_TRADITIONAL = dict(
    zip("號區鎮縣樓棟層單戶東華莊園門橋灣塘龍馬關興農豐", "号区镇县楼栋层单户东华庄园门桥湾塘龙马关兴农丰", strict=True)
)

# In this order; each sees what those before it left. Braces, because a digit follows some of the groups.
_FOLDINGS = (
    (r"[\s\p{C},，。、;；:：\"'“”‘’·_*]+", ""),
    (r"[‐‑‒–—―−~～]+", "-"),
    (r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】", ""),
    (r"#", "号"),
    (r"号{2,}", "号"),
    (r"([0-9A-Z])(?:号楼|栋|座|幢楼)", "${1}幢"),
    (r"号门", "号"),
    (r"([0-9])(?:村民小组|小组|生产队|队)", "${1}组"),
    (r"第([0-9]+组)", "${1}"),
    (r"([0-9])(?:层|楼|F)", "${1}层"),
    (r"([0-9A-Z])(?:户|房间|房)$", "${1}室"),
    (r"村{1,2}(?:民委员会|委会)", "村"),
    (r"([0-9]+)号(?:之|附)([0-9]+)号?", "${1}附${2}号"),
    (r"([0-9]+)号([甲乙丙丁戊])号?", "${1}${2}号"),
    (r"([甲乙丙丁戊])([0-9]+)号", "${2}${1}号"),
    (r"(弄)([0-9]+)-([0-9]+)-([0-9]+[A-Z]?)室?$", "${1}${2}号${3}单元${4}室"),
    (r"(弄)([0-9]+)-([0-9]+[A-Z]?)室?$", "${1}${2}号${3}室"),
    (r"(路|街|道|新村)([0-9]+)-([0-9]+)-([0-9]+[A-Z]?)室?$", "${1}${2}弄${3}号${4}室"),
    (r"(弄|组|号|幢|单元|层)-", "${1}"),
    (r"([^0-9]|^)0+([0-9])", "${1}${2}"),
)
_ODD = (
    r"[^\p{Han}0-9]|[號區鎮縣樓棟層單戶東華莊園門橋灣龍馬關興農豐〇○栋座楼层队户房]|[一二两三四五六七八九十百千廿零](?:支弄|弄|号|幢|单元|室|组|小组|村民小组)"
    r"|号(?:门|之|附|[甲乙丙丁戊号])|[甲乙丙丁戊][0-9]|小组|第[0-9]|村民委员会|村委会|(?:^|[^0-9])0"
)


def fold(text: pl.Series) -> pl.Series:
    """The addresses in one spelling; null stays null, a text longer than `LONGEST` becomes null."""
    name = text.name
    kept = pl.DataFrame({"text": text}).with_columns(
        pl.when(pl.col("text").str.len_chars() <= LONGEST).then(pl.col("text").str.strip_chars()).alias("text")
    )
    odd = kept["text"].str.contains(_ODD).fill_null(value=False)
    if not odd.any():
        return kept["text"].alias(name)
    folded = _fold_odd(kept["text"].filter(odd))
    where = odd.arg_true()
    return kept["text"].scatter(where, folded).alias(name)


def _fold_odd(text: pl.Series) -> pl.Series:
    text = text.str.normalize("NFKC").str.to_uppercase()
    text = text.str.replace_many(list(_TRADITIONAL), list(_TRADITIONAL.values()))
    text = _with_digits(text)
    for pattern, fresh in _FOLDINGS:
        text = text.str.replace_all(pattern, fresh)
    return text


def _with_digits(text: pl.Series) -> pl.Series:
    """Chinese numerals before a unit as digits: 八十八弄 is 88弄, 五〇一室 is 501室. Others are names and stay."""
    found = text.str.extract_all(_NUMERAL + _COUNTED).explode(empty_as_null=True).drop_nulls().unique()
    if found.is_empty():
        return text
    # The longest first, so that 二十一号 is not read as 一号 behind 二十.
    runs = sorted(found.to_list(), key=lambda run: (-len(run), run))
    return text.str.replace_many(runs, [_counted(run) for run in runs], leftmost=True)


def _counted(run: str) -> str:
    numeral = re.match(_NUMERAL, run)
    if numeral is None:
        return run
    return f"{number_of(numeral[0])}{run[numeral.end() :]}"


def number_of(numeral: str) -> int:
    """The number a run of Chinese numerals writes, positional (五〇一) or with powers of ten (五百零一, 廿三)."""
    numeral = numeral.replace("廿", "二十")
    if not any(sign in _POWERS for sign in numeral):
        return int("".join(str(_DIGITS[sign]) for sign in numeral))
    total, digit = 0, None
    for sign in numeral:
        if sign in _POWERS:
            total += (1 if digit is None else digit) * _POWERS[sign]
            digit = None
        else:
            digit = _DIGITS[sign]
    return total + (digit or 0)
