"""The committed reference files the simulator builds on: villages, census margins, places people come from, codes.

Reading only; what is done with them is elsewhere. Every file is described in data/reference/README.md.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "reference"


@dataclass(frozen=True)
class Reference:
    """Reference tables of one simulation; `folder` holds the CSV files."""

    folder: Path = REFERENCE

    def _read(self, name: str) -> pl.DataFrame:
        return pl.read_csv(self.folder / name, infer_schema=False)

    @cached_property
    def villages(self) -> pl.DataFrame:
        """The 355 units in code order: identity, town, kind, centroid, area and the weights of the generator."""
        numbers = ["lon", "lat", "area_km2", "registered_weight", "migrant_weight", "ageing"]
        frame = self._read("qingpu_divisions.csv").join(
            self._read("village_profiles.csv"), on="village_code", how="left", validate="1:1"
        )
        return frame.with_columns(pl.col(numbers).cast(pl.Float64)).sort("village_code").with_row_index("village")

    @cached_property
    def census(self) -> dict[str, float]:
        """Numeric items of the 2020 census by their Chinese name."""
        frame = self._read("qingpu_census.csv").filter(pl.col("census_year") == "2020")
        numeric = frame.with_columns(pl.col("value").cast(pl.Float64, strict=False)).drop_nulls("value")
        return dict(zip(numeric["item"].to_list(), numeric["value"].to_list(), strict=True))

    @cached_property
    def origins(self) -> pl.DataFrame:
        """Divisions outside Qingpu: code, full name as text, weight; Shanghai's districts first."""
        return self._read("origins.csv").select(
            pl.col("division_code").cast(pl.Int32),
            (pl.col("province") + pl.col("prefecture").fill_null("") + pl.col("county")).alias("place"),
            pl.col("weight").cast(pl.Float64),
            (pl.col("province") == "上海市").alias("is_shanghai"),
        )

    @cached_property
    def codes(self) -> pl.DataFrame:
        """Code tables as published: table, standard, code, name_cn, …"""
        return self._read("codes.csv")

    @cached_property
    def names(self) -> dict[str, pl.Series]:
        """Lists of surnames and given names by the name of the list."""
        parts = self._read("names.csv").partition_by("list", as_dict=True, maintain_order=True)
        return {str(key[0]): part["value"] for key, part in parts.items()}

    @cached_property
    def pinyin(self) -> dict[str, str]:
        """How the characters of the name lists sound, in Latin letters without tones."""
        return dict(self._read("name_pinyin.csv").rows())

    def pick_origins(self, rng: np.random.Generator, count: int, shanghai: bool) -> np.ndarray:
        """`count` division codes drawn by weight, of Shanghai's other districts or of other provinces."""
        table = self.origins.filter(pl.col("is_shanghai") == shanghai)
        bounds = np.cumsum(table["weight"].to_numpy())
        return table["division_code"].to_numpy()[np.searchsorted(bounds / bounds[-1], rng.random(count))]
