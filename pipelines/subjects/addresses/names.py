"""The names of places an address may use: the district, its towns now and formerly, its villages, and elsewhere.

Read from B03's rows and `data/addresses/vocabulary.yml`. What an address says with them is the business of `address`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.declared import read_yaml
from pipelines.refusal import Refusal

VILLAGE_SUFFIX = "(?:村民委员会|村委会|居民委员会|居委会)$"
_COMMITTEE = "社区$"


class AddressProblem(Refusal):
    """A declaration about addresses is wrong; the message names the file and what is wrong in it."""


class Estate(BaseModel):
    """The name of an estate and the road and lane it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    town: str
    road: str
    lane: str = ""


class Vocabulary(BaseModel):
    """What `vocabulary.yml` declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    city: str
    district: tuple[str, ...]
    former_towns: dict[str, tuple[str, ...]] = {}
    elsewhere: tuple[str, ...] = ()
    other_districts: tuple[str, ...] = ()
    estates: tuple[Estate, ...] = ()


@dataclass(frozen=True)
class Names:
    """Everything the parser knows by name.

    `towns`: a town's name, present or former → codes of the present towns it may mean. `villages`: town code, name as
    addresses use it ("莲湖村", "东盛社区"), village code; one row a village.
    """

    vocabulary: Vocabulary
    towns: dict[str, tuple[str, ...]]
    villages: pl.DataFrame


def read(path: Path, model: type[BaseModel]) -> Any:
    """A declaration of `data/addresses` as `model`. Raises AddressProblem."""
    try:
        return model.model_validate(read_yaml(path))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AddressProblem(f"{path.name}: {error}") from None


def names(vocabulary: Vocabulary, villages: pl.DataFrame) -> Names:
    """Names from the declared ones and B03's rows (village_code, name, town_code, town_name).

    A former town whose heirs B03 does not list is still a town, and decides nothing.
    """
    present = dict(villages.select("town_name", "town_code").unique().drop_nulls().sort("town_code").iter_rows())
    towns: dict[str, tuple[str, ...]] = {name: (code,) for name, code in present.items()}
    for former, heirs in vocabulary.former_towns.items():
        known = tuple(present[heir] for heir in heirs if heir in present)
        towns.setdefault(former, known if len(known) == len(heirs) else ())
    short = villages.select(
        "town_code", pl.col("name").str.replace(VILLAGE_SUFFIX, "").alias("village"), "village_code"
    )
    return Names(vocabulary, towns, short.drop_nulls().unique(maintain_order=True))


def committee_names(names: Names) -> list[str]:
    """Names of units that are no villages, with and without 社区: an address may put one before the road."""
    found = names.villages["village"].unique().sort()
    return found.filter(found.str.contains(_COMMITTEE)).to_list()
