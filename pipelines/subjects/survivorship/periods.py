"""Periods: what was true of a person from when to when, and between which dates it was believed.

One row an attribute and interval: `valid_from_on` to `valid_to_on` is the time of which it speaks, `known_from_on` to
`known_to_on` the time during which it was believed; ends are not included, null is open. A change of belief never
alters a row but ends it and begins others, so that any past date can be rebuilt both ways.

The period that runs now stands beside the value in `person` (`_from_on`, `_learnt_on`); here are all others. What
counts is decided by `survivorship`.
"""

from datetime import date

import polars as pl

from pipelines.subjects.survivorship.claims import PERSON

FROM, LEARNT = "_from_on", "_learnt_on"
SCHEMA = {
    PERSON: pl.String, "attribute": pl.String, "value": pl.String, "feed": pl.String, "valid_from_on": pl.Date,
    "valid_to_on": pl.Date, "known_from_on": pl.Date, "known_to_on": pl.Date,
}  # fmt: skip
ORDER = (PERSON, "attribute", "known_from_on", "valid_from_on")
STATE_SCHEMA = {
    PERSON: pl.String, "value": pl.String, "feed": pl.String, "since": pl.Date, "was_value": pl.String,
    "was_feed": pl.String, "from": pl.Date, "learnt": pl.Date,
}  # fmt: skip


def begin(since: pl.Expr, on: date) -> pl.Expr:
    """Since when a value met for the first time is true: the source's date, else, or if that lies ahead, today."""
    return pl.coalesce(pl.when(since <= on).then(since), pl.lit(on))


def followed(
    state: pl.DataFrame, past: pl.DataFrame, attribute: str, dating: str, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`from` and `learnt` of one attribute for everyone in `state`, in its order, null without a value; and all other
    periods.

    What `moved` does, where only those are asked for of whom something changed, and of those who are met for the first
    time nothing has to be looked back at.
    """
    state = state.with_row_index("row")
    differs = pl.col("value").ne_missing(pl.col("was_value"))
    redated = (pl.col("since") != pl.col("from")).fill_null(False) & pl.lit(dating != "delivery")
    asked = state.filter(differs | redated)
    known = pl.concat([past[PERSON], asked.filter(pl.col("was_value").is_not_null())[PERSON]]).unique()
    back = asked.join(pl.DataFrame({PERSON: known}), on=PERSON, how="semi", maintain_order="left")
    since = pl.col("since") if dating != "delivery" else pl.lit(None, dtype=pl.Date)
    is_first = pl.col("was_value").is_null()
    has_value = pl.col("value").is_not_null()
    times = state.select(
        PERSON,
        pl.when(has_value & is_first).then(begin(since, on)).when(has_value).then("from").alias("from"),
        pl.when(has_value & is_first).then(pl.lit(on)).when(has_value).then("learnt").alias("learnt"),
    )
    if back.is_empty():
        return times, past
    concerned = back.select(PERSON)
    running, rest = moved(back.drop("row"), past.join(concerned, on=PERSON, how="semi"), attribute, dating, on)
    running = running.join(back.select(PERSON, "row"), on=PERSON)
    times = times.with_columns(times[name].scatter(running["row"], running[name]) for name in ("from", "learnt"))
    return times, pl.concat([past.join(concerned, on=PERSON, how="anti"), rest])


def moved(
    state: pl.DataFrame, past: pl.DataFrame, attribute: str, dating: str, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a date changes in one attribute: the running periods' `from` and `learnt`, and the other periods.

    `state` (STATE_SCHEMA) is one row a person: the value that counts today with the date its source gives, and the one
    that ran until today, each null where there is none. `past` (SCHEMA) are the attribute's other periods of the same
    people; `dating` tells how its source dates it (event, seen or delivery). Gives person_id, from, learnt of those
    who have a value, and all other periods.
    """
    dated = (pl.col("since") <= on) if dating != "delivery" else pl.lit(False)
    ended = past.filter(pl.col("known_to_on").is_null()).group_by(PERSON).agg(pl.max("valid_to_on").alias("ended"))
    acts = (
        state.join(ended, on=PERSON, how="left", maintain_order="left")
        .with_columns(differs=pl.col("value").ne_missing(pl.col("was_value")), dated=pl.when(dated).then("since"))
        .with_columns(start=_start(dating, on))
        .with_columns(is_changed=pl.col("differs") | (pl.col("start") != pl.col("from")).fill_null(False))
    )
    running = acts.filter(pl.col("value").is_not_null()).select(
        PERSON,
        pl.when("is_changed").then("start").otherwise("from").alias("from"),
        pl.when("is_changed").then(pl.lit(on)).otherwise("learnt").alias("learnt"),
    )
    changed = acts.filter("is_changed").with_columns(
        attribute=pl.lit(attribute), is_later=~pl.col("differs") & (pl.col("start") > pl.col("from"))
    )
    return running, _rewritten(changed, past, on)


def _start(dating: str, on: date) -> pl.Expr:
    """Since when today's value is true.

    A source that dates the event itself is taken at its word, also where it corrects the date. Having been seen only
    moves a beginning back; of a value that replaces another it counts only if it was seen after the other began.
    """
    dated, running, today = pl.col("dated"), pl.col("from"), pl.lit(on)
    if dating == "event":
        new, same = pl.coalesce(dated, today), pl.coalesce(dated, running)
    else:
        after = (
            pl.when(running.is_not_null()).then(dated > running).otherwise((dated >= pl.col("ended")).fill_null(True))
        )
        new = pl.when(dated.is_not_null() & after).then(dated).otherwise(today)
        same = pl.min_horizontal(dated, running)
    gone = pl.col("differs") & pl.col("value").is_null()
    return pl.when(gone).then(today).when("differs").then(new).otherwise(same)


def _rewritten(acts: pl.DataFrame, past: pl.DataFrame, on: date) -> pl.DataFrame:
    """All periods but the running ones, after today's changes."""
    ran = acts.filter(pl.col("was_value").is_not_null())
    dropped = ran.select(
        PERSON,
        "attribute",
        pl.col("was_value").alias("value"),
        pl.col("was_feed").alias("feed"),
        pl.col("from").alias("valid_from_on"),
        pl.lit(None, dtype=pl.Date).alias("valid_to_on"),
        pl.col("learnt").alias("known_from_on"),
        pl.lit(on).alias("known_to_on"),
    )
    # What ran until now is believed to have been true up to where today's value begins.
    cut = ran.filter(~pl.col("is_later") & (pl.col("from") < pl.col("start"))).select(
        PERSON,
        "attribute",
        pl.col("was_value").alias("value"),
        pl.col("was_feed").alias("feed"),
        pl.col("from").alias("valid_from_on"),
        pl.col("start").alias("valid_to_on"),
        pl.lit(on).alias("known_from_on"),
        pl.lit(None, dtype=pl.Date).alias("known_to_on"),
    )
    beside = past.join(acts.select(PERSON, "start", "from", "is_later"), on=PERSON, how="left", maintain_order="left")
    believed = pl.col("known_to_on").is_null() & pl.col("start").is_not_null()
    overrun = believed & ~pl.col("is_later") & (pl.col("valid_to_on") > pl.col("start"))
    stretched = believed & pl.col("is_later") & (pl.col("valid_to_on") == pl.col("from"))
    beside = beside.with_columns(is_touched=(overrun | stretched).fill_null(False))
    kept = beside.with_columns(
        known_to_on=pl.when("is_touched").then(pl.lit(on)).otherwise("known_to_on"),
    ).select(*SCHEMA)
    # The neighbour lasts until today's value begins: shortened where that is earlier, stretched where it is later.
    again = beside.filter(pl.col("is_touched") & (pl.col("valid_from_on") < pl.col("start"))).select(
        PERSON,
        "attribute",
        "value",
        "feed",
        "valid_from_on",
        pl.col("start").alias("valid_to_on"),
        pl.lit(on).alias("known_from_on"),
        pl.lit(None, dtype=pl.Date).alias("known_to_on"),
    )
    return pl.concat([kept, *(part.select(*SCHEMA) for part in (dropped, cut, again))]).sort(ORDER)
