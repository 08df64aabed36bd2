"""Documents of people from Hong Kong, Macao, Taiwan and abroad, in the forms in which offices meet them.

One entry of `_FORMS` a form: certificate type, home, share. Numbers are made up; what could be chosen (region, letter,
sequence) lies where real numbers are least likely.
"""

import numpy as np
import polars as pl

from pipelines.simulate import numbers

# form: (certificate type of B01, nationality or '' for any country, share)
_FORMS = {
    "passport": ("414", "", 0.49),
    "permanent_18": ("553", "", 0.03),
    "permanent_15": ("553", "", 0.02),
    "travel_hongkong": ("513", "HKG", 0.10),
    "travel_macao": ("513", "MAC", 0.02),
    "travel_old": ("513", "HKG", 0.02),
    "taiwan": ("511", "TWN", 0.11),
    "taiwan_old": ("511", "TWN", 0.02),
    "residence_hongkong": ("516", "HKG", 0.07),
    "residence_macao": ("516", "MAC", 0.02),
    "residence_taiwan": ("516", "TWN", 0.10),
}
KINDS_OF_PAPER = len(_FORMS)
_NATIONS = ["USA", "JPN", "KOR", "DEU", "FRA", "GBR", "IND", "AUS", "CAN", "SGP", "RUS", "ITA"]
_NATION_NUMBERS = np.array([840, 392, 410, 276, 250, 826, 356, 36, 124, 702, 643, 380])
_REGION = 3199  # not allocated


def _permanent_15(nation: np.ndarray, birth: np.ndarray, sex: np.ndarray) -> pl.Series:
    """Old permanent-residence numbers: nationality, region, yymmdd, sex digit, check digit (weights 7, 3, 1)."""
    body = _REGION * 10**7 + numbers.yyyymmdd(birth) % 10**6 * 10 + (sex == 1)
    digits = (body[:, None] // 10 ** np.arange(10, -1, -1, dtype=np.int64)) % 10
    letters = np.array([[ord(letter) - 55 for letter in code] for code in _NATIONS])[nation]
    weights = np.array([(7, 3, 1)[place % 3] for place in range(14)])
    check = np.hstack([letters, digits]) @ weights % 10
    return pl.Series(_NATIONS).gather(nation) + pl.Series(body).cast(pl.String) + pl.Series(check).cast(pl.String)


def papers(birth: np.ndarray, sex: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """For people with these birth days and sexes: number, cert (type code), nation (alpha-3), is_foreign.

    Every form occurs where there are people enough.
    """
    size, names = len(birth), list(_FORMS)
    shares = np.array([share for _, _, share in _FORMS.values()])
    drawn = rng.choice(len(names), max(size - len(names), 0), p=shares / shares.sum())
    form = np.concatenate([np.arange(min(size, len(names))), drawn])
    nation = rng.integers(0, len(_NATIONS), size)
    serial = 10_000_000 + rng.permutation(10 * size + 10)[:size]
    region = np.select(
        [form == names.index("residence_hongkong"), form == names.index("residence_macao")], [81, 82], 83
    )
    text = pl.Series(serial).cast(pl.String)
    values = {
        "passport": pl.Series(["X", "Y", "Z"]).gather(rng.integers(0, 3, size)) + text,
        "permanent_18": numbers.permanent_numbers(_NATION_NUMBERS[nation], birth, sex),
        "permanent_15": _permanent_15(nation, birth, sex),
        "travel_hongkong": "H" + text,
        "travel_macao": "M" + text,
        "travel_old": "H" + text + "01",
        "taiwan": text,
        "taiwan_old": text + "01",
    }
    permit = numbers.residence_numbers(region, birth, sex)
    number = pl.Series([""]).gather(np.zeros(size, dtype=np.int64))
    for place, name in enumerate(names):
        rows = np.flatnonzero(form == place)
        number = number.scatter(rows, values.get(name, permit).gather(rows))
    certs, homes = (np.array([entry[part] for entry in _FORMS.values()], dtype=object)[form] for part in (0, 1))
    return pl.DataFrame(
        {
            "number": number,
            "cert": pl.Series(certs, dtype=pl.String),
            "nation": pl.Series(np.where(homes == "", np.array(_NATIONS)[nation], homes), dtype=pl.String),
            "is_foreign": homes == "",
        }
    )
