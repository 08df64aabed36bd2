"""A small district for addresses: its names, and noise as people and systems make it."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipelines.settings import REPOSITORY
from pipelines.subjects.addresses.names import Names, Vocabulary, names, read

ADDRESSES = Path(REPOSITORY / "data" / "addresses")

VILLAGES = pl.DataFrame(
    [
        ("310118106201", "光联村村委会", "310118106", "徐泾镇"),
        ("310118106001", "京华社区居委会", "310118106", "徐泾镇"),
        ("310118103274", "东庄村村委会", "310118103", "练塘镇"),
        ("310118107001", "华腾社区居委会", "310118107", "华新镇"),
        ("310118104211", "建新村村委会", "310118104", "金泽镇"),
        ("310118107212", "建新村村委会", "310118107", "华新镇"),
        ("310118001001", "东盛社区居委会", "310118001", "夏阳街道"),
        ("310118002001", "西湖新村居委会", "310118002", "盈浦街道"),
        ("310118003001", "民惠社区居委会", "310118003", "香花桥街道"),
        ("310118102001", "泰安社区居委会", "310118102", "朱家角镇"),
        ("310118110001", "鹤祥社区居委会", "310118110", "白鹤镇"),
    ],
    schema=["village_code", "name", "town_code", "town_name"],
    orient="row",
)


def district() -> Names:
    return names(read(ADDRESSES / "vocabulary.yml", Vocabulary), VILLAGES)


CHINESE = "〇一二三四五六七八九"


def in_words(number: str) -> str:
    """Digit by digit: 501 is 五〇一."""
    return "".join(CHINESE[int(digit)] for digit in number)


def with_powers(number: str) -> str:
    """As spoken: 101 is 一百零一, 23 is 二十三; below 10,000."""
    value, spoken, gap = int(number), "", False
    for power, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // power % 10
        if digit:
            spoken += ("零" if gap and spoken else "") + CHINESE[digit] + word
            gap = False
        else:
            gap = True
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


Address = dict[str, str]
NOISE: dict[str, Callable[[Address], str]] = {
    "standard": lambda a: "上海市青浦区{town}{road}{lane}弄{number}号{room}室".format(**a),
    "no_city": lambda a: "青浦区{town}{road}{lane}弄{number}号{room}室".format(**a),
    "joined": lambda a: "{town}{road}{lane}弄{number}-{room}".format(**a),
    "joined_thrice": lambda a: "上海市{town}{road}{lane}-{number}-{room}室".format(**a),
    "traditional": lambda a: "上海市青浦區{town}{road}{lane}弄{number}號{room}室".format(**a),
    "hash": lambda a: "{town}{road}{lane}弄{number}#{room}".format(**a),
    "spaced": lambda a: " 青浦区 {town}，{road} {lane}弄 {number} 号 {room} 室 ".format(**a),
    "wide": lambda a: NOISE["standard"](a).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    "digits_in_words": lambda a: "{town}{road}{0}弄{1}号{2}室".format(*map(in_words, _numbers(a)), **a),
    "spoken": lambda a: "{town}{road}{0}弄{1}号{2}室".format(*map(with_powers, _numbers(a)), **a),
    "zeros": lambda a: "{town}{road}0{lane}弄00{number}号0{room}室".format(**a),
    "household": lambda a: "{town}{road}{lane}弄{number}号{room}户".format(**a),
    "estate": lambda a: "{town}{road}{lane}弄玉兰苑{number}号{room}室".format(**a),
    "committee": lambda a: "{town}京华社区{road}{lane}弄{number}号{room}".format(**a),
    "floor": lambda a: "{town}{road}{lane}弄{number}号3楼{room}室".format(**a),
    "bare_town": lambda a: NOISE["standard"](a | {"town": a["town"].removesuffix("镇").removesuffix("街道")}),
    "remark": lambda a: "{town}{road}{lane}弄{number}号{room}室(玉兰苑)".format(**a),
}


def _numbers(a: Address) -> list[str]:
    return [a["lane"], a["number"], a["room"]]
