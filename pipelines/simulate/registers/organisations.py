"""Market entities and their licences (behind F32): the employers of the social insurance come first.

A function of state and day; who opens and closes does not depend on the people.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count

_ENTITIES = 260_000
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28], dtype=np.int64)
_LETTERS = np.array(list(_ALPHABET))
SECTIONS = list("CFGHLMIOEKRAPQJSDNB")
_SECTION_SHARE = np.array([16, 34, 5, 6, 12, 9, 5, 4, 4, 1.5, 0.8, 0.9, 0.6, 0.3, 0.2, 0.1, 0.1, 0.3, 0.2])
_WORDS = {
    "C": "制造",
    "F": "贸易",
    "G": "物流",
    "H": "餐饮",
    "L": "商务服务",
    "M": "科技",
    "I": "信息技术",
    "O": "家政",
}


def codes(size: int) -> pl.Series:
    """Made-up credit codes 91319901MA…: the first are those of the employers in the social insurance."""
    number = np.arange(size, dtype=np.int64)
    tail = np.stack([number // 31**place % 31 for place in range(6, -1, -1)], axis=1)
    head = np.array([_ALPHABET.index(letter) for letter in "91319901MA"], dtype=np.int64)
    body = np.hstack([np.tile(head, (size, 1)), tail])
    check = (31 - (body @ _WEIGHTS) % 31) % 31
    letters = _LETTERS[np.hstack([body, check[:, None]])]
    return pl.Series(
        np.ascontiguousarray(letters).view(f"<U{letters.shape[1]}").ravel().astype(object), dtype=pl.String
    )


def build(world: World, day: date) -> pl.DataFrame:
    """One row an entity: code, kind, section, dates, state, village, dwelling, site, licence, staff, marks."""
    size = count(_ENTITIES, world.scale, 80)
    number = np.arange(size)
    draws = Draws(world.seed, "organisations", number)
    today = days.number(day)
    section = draws.pick("section", SECTIONS, _SECTION_SHARE.tolist())
    since = today - 30 - np.floor(draws.share("since") ** 1.5 * 9_000).astype(np.int64)
    fate = draws.share("fate")
    status = np.select([fate < 0.80, fate < 0.93, fate < 0.98], ["存续", "注销", "吊销"], "迁出")
    alive = status == "存续"
    on_site = np.select([draws.share("site") < 0.42, draws.share("site") < 0.9], ["true", "false"], "unknown")
    on_site = np.where(alive, on_site, "false")
    staff = np.where(on_site == "true", 1 + np.floor(draws.share("staff") ** 4 * 300).astype(np.int64), 0)
    food = section.is_in(["H", "F"]).to_numpy() & (draws.share("food") < 0.5)
    other = draws.pick(
        "licence", ["", "特种行业", "公共卫生", "培训机构", "危化品", "食品生产"], [94, 1.5, 2, 1, 0.5, 1]
    )
    licence = pl.select(pl.when(pl.Series(food)).then(pl.lit("食品经营")).otherwise(other)).to_series()
    homes = draws.whole("dwelling", 0, len(world.dwellings))
    return pl.DataFrame(
        {
            "number": number,
            "uscc": codes(size),
            "section": section,
            "since": since,
            "ended": np.where(alive, days.NONE, np.minimum(since + 200 + draws.whole("life", 0, 4_000), today - 1)),
            "status": status.astype(object),
            "dwelling": homes,
            "on_site": on_site.astype(object),
            "capital": draws.whole("capital", 1, 500) * 10,
            "licence": licence,
            "licence_end": np.where(licence != "", today - 200 + draws.whole("licence_end", 0, 1_800), days.NONE),
            "abnormal": alive & (draws.share("abnormal") < 0.03),
            "illegal": alive & (draws.share("illegal") < 0.003),
            "punished": np.where(
                draws.share("punished") < 0.006, np.maximum(since, today - draws.whole("fine", 1, 900)), days.NONE
            ),
            "staff": staff,
            "local_staff": np.floor(staff * 0.3 * draws.share("local")).astype(np.int64),
            "arrears": alive & (draws.share("arrears") < 0.001),
            "manager": draws.whole("manager", 0, 10**6),
            "is_sole": (draws.share("sole") < 0.35),
        },
        schema_overrides={"status": pl.String, "on_site": pl.String},
    )


def wrong(code: str) -> str:
    """The code with another, wrong, check character."""
    return code[:17] + ("0" if code[17] != "0" else "1")


def words(section: str) -> str:
    """What firms of a section call their business."""
    return _WORDS.get(section, "实业")
