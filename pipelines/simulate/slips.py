"""How people get names, numbers and dates wrong: one text in, the mistaken text out.

What belongs here: single mistakes of typing, each a function of the text and a running number. What does not: which
rows carry one (`dirt`), and the formats of a feed.
"""

from datetime import date, timedelta
from functools import cache

import numpy as np

from pipelines.simulate import numbers
from pipelines.simulate.reference import Reference

# Characters that sound or look alike, each pair in both directions.
_ALIKE = (
    "伟玮丽莉静靖芳方华桦明铭军君建健红虹萍平英瑛燕艳文雯玲琳杰洁海涵强墙敏闵秀绣兰岚国帼志智新欣佳嘉宇雨浩皓子梓轩萱"
)
_OTHERS = "云飞永春"
_DOTS = ("•", "・", ".", "")
# Area numbers PP9900 and PP9999 are given to nobody in the district: one marks numbers that belong to nobody at all.
_NOBODY = "00"


def one_character(name: str, n: int) -> str:
    """A name with one character of the given name replaced, by one that sounds or looks alike where there is one."""
    for place in range(len(name) - 1, 0, -1):
        at = _ALIKE.find(name[place])
        if at >= 0:
            return name[:place] + _ALIKE[at ^ 1] + name[place + 1 :]
    other = next(c for c in _OTHERS[n % len(_OTHERS) :] + _OTHERS if c != name[-1])
    return name[:-1] + other


def swapped(name: str, _: int) -> str:
    """A name of three characters with the last two exchanged."""
    return name[:-2] + name[-1] + name[-2]


def in_letters(name: str, _: int) -> str:
    """A Chinese name in Latin letters, surname first, as passports print it."""
    sounds = [_sounds().get(character, "") for character in name]
    return f"{sounds[0]} {''.join(sounds[1:])}".upper()


@cache
def _sounds() -> dict[str, str]:
    return Reference().pinyin


def inner_space(name: str, n: int) -> str:
    """A name with a blank, or a wide one, behind the surname."""
    return name[0] + " \u3000"[n % 2] + name[1:]


def other_dot(name: str, n: int) -> str:
    """A name of two parts whose middle dot is another sign, or left out."""
    return name.replace("·", _DOTS[n % len(_DOTS)])


def used(name: str, n: int) -> str:
    """A name borne before: the same surname, another given name."""
    return name[0] + ("建国", "小妹", "阿根", "招娣")[n % 4]


def transposed(number: str, n: int) -> str:
    """A number with two neighbouring digits exchanged that differ; the check digit itself stays."""
    places = [(6 + (n + shift) % 10) for shift in range(10)] + list(range(6))
    at = next((place for place in places if number[place] != number[place + 1]), 0)
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


def one_digit(number: str, n: int) -> str:
    """A number with one digit before the check digit typed wrongly."""
    at = 2 + n % 15
    return number[:at] + str((int(number[at]) + 1 + n % 8) % 10) + number[at + 1 :]


def nobodys(number: str, _: int) -> str:
    """A number that is right in itself and belongs to nobody: two digits of the area wrong, and a check that fits."""
    body = number[:4] + _NOBODY + number[6:17]
    return body + str(numbers.check_digits(np.array([int(body)], dtype=np.int64))[0])


def off_by_a_day(text: str, n: int) -> str:
    """A date as yyyy-mm-dd or yyyymmdd that is a day earlier or later."""
    dashed = "-" in text
    digits = text.replace("-", "")
    day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days=1 if n % 2 else -1)
    return day.isoformat() if dashed else f"{day:%Y%m%d}"


def day_for_month(text: str, _: int) -> str:
    """A date as yyyy-mm-dd or yyyymmdd with day and month exchanged; for days up to the twelfth."""
    dash = "-" if "-" in text else ""
    digits = text.replace("-", "")
    return dash.join((digits[:4], digits[6:], digits[4:6]))
