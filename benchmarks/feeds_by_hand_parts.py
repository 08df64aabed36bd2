"""What the five hand-written scripts of `feeds_by_hand.py` share: cells as expressions, and how each of them ends.

Written as somebody would for these five feeds alone: nothing here knows a contract's rules or looks at an odd file.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines import identifiers
from pipelines.feeds.codes import spellings
from pipelines.feeds.contracts import Contract
from pipelines.identifiers import Key

SPACES = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff"
NUMBER = r"(?:^|[^0-9])[1-9][0-9]{5}(?:(?:1[89]|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]|[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3})(?:[^0-9]|$)"  # noqa: E501
Flags = dict[str, pl.Expr]


@dataclass
class Job:
    """One delivery to land: its contract (for the code tables), its folder, and where rows go."""

    contract: Contract
    folder: Path
    business_on: date
    reference: Path
    out: Path
    key: Key

    def codes(self, name: str) -> dict[str, str]:
        """A coded column's spellings."""
        codes = self.contract.by_name[name].intake.codes
        assert codes is not None
        return dict(spellings(codes, self.reference))


# ---------------------------------------------------------------- expressions


def text(name: str) -> pl.Expr:
    """A cell without surrounding spaces, empty as null."""
    bare = pl.col(name).str.strip_chars(SPACES)
    return pl.when(bare != "").then(bare)


def code(job: Job, name: str, physical: str) -> pl.Expr:
    """A coded column's codes."""
    return text(physical).replace_strict(job.codes(name), default=None, return_dtype=pl.String)


def day(physical: str, *forms: str) -> pl.Expr:
    """A date in one of the forms."""
    each = {
        "ymd": lambda t: pl.when(t.str.len_bytes() == 8).then(t).str.to_date("%Y%m%d", strict=False),
        "dashed": lambda t: t.str.to_date("%Y-%m-%d", strict=False),
        "slashed": lambda t: t.str.to_date("%Y/%m/%d", strict=False),
        "dotted": lambda t: t.str.to_date("%Y.%m.%d", strict=False),
        "chinese": lambda t: t.str.to_date("%Y年%m月%d日", strict=False),
        "timestamp": lambda t: t.str.to_datetime("%Y%m%d%H%M%S", strict=False).dt.date(),
        "excel": lambda t: (
            pl.date(1899, 12, 30)
            + pl.duration(days=pl.when(t.str.contains(r"^[1-7][0-9]{4}$")).then(t).cast(pl.Int32, strict=False))
        ),
    }
    found = [each[form](text(physical)) for form in forms or ("ymd",)]
    return found[0] if len(found) == 1 else pl.coalesce(found)


def free(value: pl.Expr) -> pl.Expr:
    """Free text, none where somebody wrote an identity number."""
    return pl.when(~value.str.contains(NUMBER)).then(value)


def name_of(physical: str) -> pl.Expr:
    """A name in one spelling."""
    value = text(physical).str.normalize("NFKC").str.replace_all(r"\s+", " ").str.replace_all(r"[•‧・．⋅∙.]", "·")
    spaced = pl.when(value.str.contains(r"\p{Han}")).then(value.str.replace_all(" ", "")).otherwise(value)
    return free(spaced)


def address(physical: str) -> pl.Expr:
    """An address, half width."""
    return free(text(physical).str.normalize("NFKC"))


def yes(physical: str, true: tuple[str, ...], false: tuple[str, ...]) -> pl.Expr:
    """A yes or no."""
    value = text(physical)
    return pl.when(value.is_in(list(true))).then(True).when(value.is_in(list(false))).then(False)


YES, NO = ("是", "1", "Y", "y", "true"), ("否", "0", "N", "n", "false")


def unread(value: str, physical: str) -> pl.Expr:
    """A text that is there but gives no value."""
    return text(physical).is_not_null() & pl.col(value).is_null()


# ---------------------------------------------------------------- what all five end with


def finish(
    job: Job, raw: pl.DataFrame, values: pl.DataFrame, errors: Flags, warnings: Flags, key: list[str], order: list[str]
) -> dict[str, int]:
    """Hold back, tell repeated rows, pseudonymise what is left, write three files."""
    both = pl.concat([raw, values], how="horizontal")
    flags = both.select(**{c: e.fill_null(False) for c, e in (errors | warnings).items()})
    held = (
        flags.select(pl.any_horizontal(list(errors))).to_series() if errors else pl.repeat(False, len(raw), eager=True)
    )
    physicals = [c for c in raw.columns if not c.startswith("_")]
    quarantine = raw.filter(held).select("_file", "_line", raw=pl.struct(physicals).struct.json_encode())
    if errors:
        reasons = pl.concat_list(pl.when(pl.col(c)).then(pl.lit(c)) for c in errors).list.drop_nulls()
        quarantine = quarantine.with_columns(flags.filter(held).select(rules=reasons).to_series())
    again = _repeated(raw, values, held, physicals, key, order)
    stay = ~held & ~again
    warned = pl.concat_list(pl.when(pl.col(c)).then(pl.lit(c)) for c in warnings).list.drop_nulls()
    rows = values.with_columns(raw["_line"], raw["_file"], flags.select(_dq=warned).to_series()).filter(stay)
    rows = _pseudonyms(job, rows)
    job.out.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(job.out / "rows.parquet", compression="zstd", compression_level=1)
    quarantine.write_parquet(job.out / "quarantine.parquet")
    raw.filter(again).select("_file", "_line").write_parquet(job.out / "duplicates.parquet")
    return {"accepted": len(rows), "quarantined": len(quarantine), "duplicate": int(again.sum())}


def _repeated(
    raw: pl.DataFrame, values: pl.DataFrame, held: pl.Series, physicals: list[str], key: list[str], order: list[str]
) -> pl.Series:
    keyed = ~held
    again = pl.repeat(False, len(raw), dtype=pl.Boolean, eager=True)
    if key:
        keyed = keyed & values.select(pl.all_horizontal(pl.col(k).is_not_null() for k in key)).to_series()
        frame = values.select(*key, *order).with_columns(raw["_file"], raw["_line"]).with_row_index("_at")
        frame = frame.filter(keyed).filter(pl.struct(key).is_duplicated())
        frame = frame.with_columns(raw.select(physicals)[frame["_at"]].hash_rows(seed=0).alias("_same"))
        frame = frame.sort(*order, "_file", "_line")
        alike = (pl.col("_same") == pl.col("_same").first()).all().over(key)
        kept = pl.when(alike).then(pl.col("_at").first().over(key)).otherwise(pl.col("_at").last().over(key))
        gone = frame.filter(pl.col("_at") != kept)["_at"]
        again = again.scatter(gone, True) if len(gone) else again
    rest = ~held & ~keyed if key else ~held
    if rest.any():
        hashes = raw.select(physicals).hash_rows(seed=0)
        frame = pl.DataFrame({"hash": hashes}).with_row_index("_at").filter(rest)
        gone = frame.filter(~pl.col("hash").is_first_distinct())["_at"]
        again = again.scatter(gone, True) if len(gone) else again
    return again


def _pseudonyms(job: Job, rows: pl.DataFrame) -> pl.DataFrame:
    made: list[pl.Series] = []
    for column in job.contract.columns:
        role, name = column.intake.role, column.name
        if role == "identity":
            number = rows[f"{name}_id"]
            told = number
            if "nationality_code" in rows.columns and f"{name}_cert_kind" in rows.columns:
                told = rows.select(
                    pl.when(pl.col(f"{name}_cert_kind") == "passport")
                    .then(pl.concat_str(f"{name}_id", "nationality_code", "birth_on", separator="/").fill_null(number))
                    .otherwise(f"{name}_id")
                ).to_series()
            made.append(identifiers.pseudonyms(job.key, "person", told).alias(f"{name}_id"))
            if "masked" in column.intake.keep:
                made.append(identifiers.masks(number).alias(f"{name}_cert_masked"))
            if f"{name}_mask_key" in rows.columns:
                made.append(identifiers.pseudonyms(job.key, "mask", rows[f"{name}_mask_key"]))
            if "digest" in column.intake.keep and column.intake.digest:
                hashed = identifiers.digests_of(number, column.intake.digest)
                made.append(identifiers.pseudonyms_once(job.key, "digest", hashed).alias(f"{name}_digest"))
            if f"{name}_candidates" in rows.columns:
                codes = rows.select("_line", "_file", f"{name}_candidates").filter(
                    pl.col(f"{name}_candidates").list.len() > 0
                )
                codes = codes.explode(f"{name}_candidates")
                coded = codes.with_columns(identifiers.pseudonyms(job.key, "person", codes[f"{name}_candidates"]))
                lists = coded.group_by("_line", "_file").agg(pl.col(f"{name}_candidates").sort())
                rows = rows.drop(f"{name}_candidates").join(
                    lists, on=["_line", "_file"], how="left", maintain_order="left"
                )
                made.append(rows[f"{name}_candidates"].fill_null([]))
        elif role == "key":
            made.append(identifiers.pseudonyms(job.key, str(column.intake.domain), rows[name]))
    return rows.with_columns(made)


def numbers(
    job: Job, raw: pl.DataFrame, values: pl.DataFrame, name: str, physical: str, declared: str = ""
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Canonical numbers, the parts kept, and what is wrong with the others."""
    column = job.contract.by_name[name]
    found = identifiers.examine(
        raw[physical].cast(pl.String), declared=values[declared] if declared else None,
        allow_synthetic=True, latest=job.business_on,
    )  # fmt: skip
    parts = {f"{name}_cert_{part}": part for part in ("kind", "birth_on", "sex_code", "was_15") if part in column.parts}
    more = [found["canonical"].alias(f"{name}_id"), *(found[part].alias(n) for n, part in parts.items())]
    broken = found["problem"].is_not_null()
    places = broken.arg_true()
    texts = raw[physical].cast(pl.String).gather(places)
    if "candidates" in column.parts:
        lists = identifiers.candidates(texts, allow_synthetic=True, latest=job.business_on)
        empty = pl.DataFrame({"at": places, "list": lists})
        index = pl.DataFrame({"at": pl.int_range(len(raw), dtype=pl.UInt32, eager=True)})
        whole = index.join(empty, on="at", how="left", maintain_order="left")
        more.append(whole["list"].alias(f"{name}_candidates"))
    if "stated_birth_on" in column.parts:
        dates = pl.repeat(None, len(raw), dtype=pl.Date, eager=True)
        stated = identifiers.stated_births(texts, latest=job.business_on)
        more.append((dates.scatter(places, stated) if len(places) else dates).alias(f"{name}_stated_birth_on"))
    if "mask_key" in column.parts:
        whole_key = "mask_key" in column.intake.keep
        ends = (
            identifiers.ends(found["canonical"], whole=True)
            if whole_key
            else pl.repeat(None, len(raw), dtype=pl.String, eager=True)
        )
        left = identifiers.ends(texts)
        more.append((ends.scatter(places, left) if len(places) else ends).alias(f"{name}_mask_key"))
    problems = {str(p): (found["problem"] == p).fill_null(False) for p in found["problem"].drop_nulls().unique()}
    return values.with_columns(more), problems


def placed(frame: pl.DataFrame, file: str, first: int = 1) -> pl.DataFrame:
    """With the file and line each row stood in."""
    lines = pl.int_range(first, first + len(frame), dtype=pl.Int32, eager=True).alias("_line")
    return frame.with_columns(pl.lit(file).alias("_file"), lines)


def problem_flags(problems: dict[str, pl.Series]) -> Flags:
    """Problems of numbers as expressions."""
    return {name: pl.lit(rows) for name, rows in problems.items()}
