"""Batch expectations: what only a delivery as a whole can show, judged by Great Expectations and kept as Data Docs.

The suite comes from the contract and the delivery in use before: volume, share of rows held back, days between
deliveries, share of empty values, mix of codes. Whether single rows are right was decided by `check`; whether a
delivery is used is decided by `judge`. What is found here is for people to look at.

Pages show counts, shares and codes. No column that names or finds a person, and none of a restricted class, is looked
at, and no value is quoted.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.feeds.batch_page import batch_page
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import DIRECT_ROLES, Column
from pipelines.feeds.judge import Status
from pipelines.feeds.land import ROWS
from pipelines.feeds.receipts import write_synced
from pipelines.settings import Settings

SAMPLE_ROWS = 20_000
# A column's share of filled values may move this far between two deliveries.
FILLED_SHIFT = 0.1
# Kullback-Leibler divergence from the mix of codes before; 0.1 is about 15 points moved from one code to another.
MIX_DIVERGENCE = 0.1
MIX_CODES = 60
# Below this many sampled rows shares say little, and only counts are judged.
SHARES_NEED_ROWS = 200
PAGE, VERDICT = "index.html", "verdict.json"


@dataclass(frozen=True)
class Verdict:
    """What became of one delivery's expectations: page to read, and those not met by name."""

    feed: str
    business_on: date
    number: str
    page: Path
    success: bool
    expectations: int
    unmet: tuple[str, ...]
    sampled: int


def judge_batches(settings: Settings, contract: Contract, statuses: Sequence[Status]) -> list[Verdict]:
    """Judge every delivery of a feed that has rows, each once for its content, contract and predecessor.

    Pages are written to `<quality_docs>/<feed>/<date>/<number>/index.html`.
    """
    with_rows = [s for s in statuses if s.state != "rejected" and not s.is_repeat and s.accepted]
    # An increment begins with all there is; what changes later has another mix and is compared with changes only.
    stock = min((s.business_on for s in with_rows), default=None) if contract.delivery.load == "increment" else None
    verdicts = []
    for status in with_rows:
        earlier = [s for s in with_rows if s.state == "accepted" and s.business_on < status.business_on]
        before = max(earlier, key=lambda s: (s.business_on, s.number), default=None)
        alike = before if before and before.business_on != stock else None
        verdicts.append(_judge(settings, contract, status, before, alike))
    return verdicts


def _judge(
    settings: Settings, contract: Contract, status: Status, before: Status | None, alike: Status | None
) -> Verdict:
    """`before` is the delivery before, `alike` the same where shares and codes can be compared with it."""
    folder = settings.quality_docs / status.feed / status.business_on.isoformat() / status.number
    decided = f"{status.accepted} {status.waived}"
    made_of = [status.sha256, contract.sha256, before.sha256 if before else "", alike is not None, decided]
    kept = folder / VERDICT
    if kept.exists():
        told = json.loads(kept.read_text("utf-8"))
        if told.pop("made_of") == made_of:
            return Verdict(**told | _named(status, folder) | {"unmet": tuple(told["unmet"])})
    sample = _sample(settings, contract, status)
    reference = _sample(settings, contract, alike) if alike else None
    facts = _facts(status, before)
    pages, unmet, count = _validate(contract, facts, sample, reference)
    verdict = Verdict(
        **_named(status, folder),
        success=not unmet,
        expectations=count,
        unmet=tuple(f"{kind}({column})" for kind, column in unmet),
        sampled=sample.height,
    )
    folder.mkdir(parents=True, exist_ok=True)
    figures = facts.row(0, named=True)
    write_synced(folder / PAGE, batch_page(contract, status, figures, sample.height, unmet, pages))
    told = {k: v for k, v in asdict(verdict).items() if k not in _named(status, folder)} | {"made_of": made_of}
    write_synced(kept, json.dumps(told, ensure_ascii=False))
    return verdict


def _named(status: Status, folder: Path) -> dict[str, Any]:
    return {
        "feed": status.feed,
        "business_on": status.business_on,
        "number": status.number,
        "page": folder / PAGE,
    }


# ---------------------------------------------------------------- what is looked at


def looked_at(contract: Contract) -> dict[str, Column]:
    """Lake columns a batch report may speak of."""
    return {
        name: column
        for name, (_, column) in contract.outputs.items()
        if column.intake.role not in DIRECT_ROLES | {"key"} and column.classification != "restricted"
    }


def _sample(settings: Settings, contract: Contract, status: Status) -> pl.DataFrame:
    """At most SAMPLE_ROWS accepted rows, chosen by a hash of their line so that the same file gives the same rows."""
    path = settings.lake / status.feed / status.business_on.isoformat() / status.number / ROWS
    share = SAMPLE_ROWS / max(status.accepted, 1)
    chosen = (pl.col("_line").cast(pl.UInt64) * 2_654_435_761 % 2**32) < share * 2**32
    columns = list(looked_at(contract))
    return pl.scan_parquet(path).filter(chosen).select(columns).head(SAMPLE_ROWS).collect()


def _facts(status: Status, before: Status | None) -> pl.DataFrame:
    """One row of exact figures about the whole delivery."""
    return pl.DataFrame(
        {
            "delivered_rows": [status.delivered],
            "quarantined_pct": [round(100 * status.quarantined / status.delivered, 3)],
            "duplicate_pct": [round(100 * status.duplicate / status.delivered, 3)],
            "change_pct": [round(100 * (status.delivered / before.delivered - 1), 3) if before else None],
            "days_since_last": [(status.business_on - before.business_on).days if before else None],
        },
        schema_overrides={"change_pct": pl.Float64, "days_since_last": pl.Float64},
    )


# ---------------------------------------------------------------- suites


def _fact_expectations(gxe: Any, contract: Contract, facts: pl.DataFrame) -> Iterator[Any]:
    delivery, row = contract.delivery, facts.row(0, named=True)
    between = gxe.ExpectColumnValuesToBeBetween
    yield between(column="delivered_rows", min_value=1)
    if row["delivered_rows"] > delivery.quarantine_slack_rows:
        yield between(column="quarantined_pct", max_value=delivery.quarantine_pct)
    band = delivery.volume
    if band is not None and delivery.load == "snapshot" and row["change_pct"] is not None:
        previous = row["delivered_rows"] / (1 + row["change_pct"] / 100)
        if abs(row["delivered_rows"] - previous) > band.slack_rows:
            yield between(column="change_pct", min_value=-band.down_pct, max_value=band.up_pct)
    if contract.cadence_days is not None and row["days_since_last"] is not None:
        yield between(column="days_since_last", max_value=2 * contract.cadence_days)


def _row_expectations(
    gxe: Any, contract: Contract, sample: pl.DataFrame, reference: pl.DataFrame | None
) -> Iterator[Any]:
    compare = reference is not None and min(sample.height, reference.height) >= SHARES_NEED_ROWS
    before = _filled(reference) if compare and reference is not None else {}
    for name, column in looked_at(contract).items():
        low, high = before.get(name, 0.0) - FILLED_SHIFT, before.get(name, 1.0) + FILLED_SHIFT
        yield gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
            column=name, min_value=1.0 if column.required else max(low, 0.0), max_value=min(high, 1.0)
        )
    for name in looked_at(contract):
        if (
            compare
            and reference is not None
            and contract.outputs[name][1].intake.codes
            and name in _code_columns(sample)
        ):
            mix = reference[name].drop_nulls().value_counts(normalize=True, sort=True).sort(name)
            if 1 < mix.height <= MIX_CODES:
                yield gxe.ExpectColumnKLDivergenceToBeLessThan(
                    column=name,
                    partition_object={"values": mix[name].to_list(), "weights": mix["proportion"].to_list()},
                    threshold=MIX_DIVERGENCE,
                    # A code met for the first time is no infinite surprise.
                    tail_weight_holdout=0.001,
                )


def _code_columns(frame: pl.DataFrame) -> set[str]:
    return {name for name, kind in frame.schema.items() if kind == pl.String and frame[name].drop_nulls().len()}


def _filled(frame: pl.DataFrame) -> dict[str, float]:
    return {name: 1 - frame[name].null_count() / frame.height for name in frame.columns}


# ---------------------------------------------------------------- Great Expectations


def _validate(
    contract: Contract, facts: pl.DataFrame, sample: pl.DataFrame, reference: pl.DataFrame | None
) -> tuple[list[str], list[tuple[str, str]], int]:
    """Rendered pages of both batches, the expectations not met with their columns, and how many there were."""
    # The library takes seconds to import, so only those who judge a batch pay; and it is told to keep to itself.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("lake")
    pages: list[str] = []
    unmet: list[tuple[str, str]] = []
    count = 0
    batches = (
        ("delivery", facts, list(_fact_expectations(gx.expectations, contract, facts))),
        ("rows", sample, list(_row_expectations(gx.expectations, contract, sample, reference))),
    )
    for name, frame, expectations in batches:
        if not expectations:
            continue
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
        suite = gx.ExpectationSuite(name=f"{contract.feed} {name}", expectations=expectations)
        # No value is kept beside a result, whatever becomes of it.
        silent = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}
        result = batch.get_batch({"dataframe": _pandas(frame)}).validate(suite, result_format=silent)
        for one in result.results:
            config = one.expectation_config
            if config is not None and not one.success:
                unmet.append((str(config.type), str(config.kwargs.get("column"))))
            # The renderer stumbles over numpy's numbers, whose text is "np.float64(…)".
            if isinstance(one.result.get("observed_value"), np.floating):
                one.result["observed_value"] = round(float(one.result["observed_value"]), 4)
        pages.append(_render(result))
        count += len(result.results)
    return pages, unmet, count


def _pandas(frame: pl.DataFrame) -> Any:
    """The frame as pandas has it, with lists as text: a list cannot be counted there."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    decimals = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)]
    return frame.with_columns(
        *(pl.col(name).list.join("、") for name in lists), *(pl.col(name).cast(pl.Float64) for name in decimals)
    ).to_pandas()


def _render(result: Any) -> str:
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    return str(DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result)))
