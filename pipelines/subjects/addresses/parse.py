"""An address as parts: city | district | town | road or village | lane | number | building | unit | room.

`parse` is a pure function of the texts and the names: no address is looked up, nothing is guessed. What a part means
for a dwelling is decided by `address_match`. In the country the parts are village | group or hamlet | number.
"""

import polars as pl

from pipelines.subjects.addresses.names import Names, committee_names
from pipelines.subjects.addresses.text import fold

PARTS = ("town_code", "village", "road", "lane", "sublane", "group", "hamlet", "number", "building", "unit", "room")
"""What a key is made of, in this order; '' where the address says nothing."""

INSIDE, OUTSIDE, EMPTY, UNREADABLE = "inside", "outside", "empty", "unreadable"

# Everything behind the names. A word between the lane and the number is the estate's name, between group and number the
# hamlet's; digits without a unit at the very end are the room.
_STRUCTURE = (
    r"^(?P<name>(?:[GS]?[0-9]{3}国道|[^0-9A-Z-])*)"
    r"(?:(?P<lane>[0-9]+)弄)?(?:(?P<sublane>[0-9]+)支弄)?(?:(?P<group>[0-9]+)组)?"
    r"(?P<middle>[^0-9A-Z-]*)"
    r"(?:(?P<number>[0-9]+(?:-[0-9]+|附[0-9]+)?[甲乙丙丁戊]?)号)?"
    r"(?:(?P<building>[0-9]+|[A-Z]|[东西南北中甲乙丙丁])幢)?"
    r"(?:(?P<unit>[0-9A-Z]+)单元)?(?:(?P<floor>[0-9]+)层)?"
    r"(?:(?P<room>[0-9]+[A-Z]?|[A-Z][0-9]+)室?)?"
    r"(?P<rest>.*)$"
)
# A name that ends so is a road or an estate, whatever stands before it.
_ROADLIKE = "(?:路|街|大道|公路|国道|巷|弄|支路|新村|苑|花园|家园|公寓|小区|名邸|别墅|工业园区|园区)$"
_VILLAGE = r"^(?P<village>[^0-9]{1,7}?村)(?P<after>.*)$"
# What makes a road of the village name before it: 陈村路.
_ROAD_WORD = "^(?:[东西南北中]?(?:路|街|支路|公路)|大道)"
_GROUPS = ("name", "lane", "sublane", "group", "middle", "number", "building", "unit", "floor", "room", "rest")
_COUNTY = "[^0-9路街弄号]{0,12}?(?:省|市|自治区|区|县|州|盟|旗)"


def parse(texts: pl.Series, names: Names) -> pl.DataFrame:
    """One row a text, in order: `state`, the PARTS, `floor`, `rest`, `town_said` and `is_rural`.

    `state` is inside (of the district, or nothing speaks against it), outside, empty or unreadable; parts are '' but
    inside. `town_said` is the town's name where it was split and so has no one code. Each distinct text is read once.
    """
    distinct = texts.unique()
    read = _parse(distinct, names).with_columns(distinct.alias("text"))
    return (
        pl.DataFrame({"text": texts})
        .join(read, on="text", how="left", nulls_equal=True, maintain_order="left")
        .drop("text")
    )


def _parse(texts: pl.Series, names: Names) -> pl.DataFrame:
    frame = pl.DataFrame({"text": fold(texts), "raw": texts})
    words = names.vocabulary
    text = pl.col("text")
    frame = frame.with_columns(text.str.replace("^中国", "").alias("text")).with_columns(
        text.str.extract(f"^(?:{words.city})?((?:{'|'.join(words.district)}))", 1).is_not_null().alias("is_here"),
        text.str.contains(
            f"^(?:{'|'.join(words.elsewhere)}){_COUNTY}|^(?:{words.city})?(?:{'|'.join(words.other_districts)})"
        ).alias("is_elsewhere"),
        text.str.replace(f"^(?:{words.city})?(?:{'|'.join(words.district)})?", "").alias("text"),
    )
    frame = _with_town(frame, names)
    frame = frame.with_columns(pl.col("text").str.extract_groups(_STRUCTURE).alias("read")).unnest("read")
    frame = _with_place(frame, names)
    nowhere = (pl.col("road") == "") & (pl.col("village") == "") & (pl.col("town_said") == "")
    state = (
        pl.when(pl.col("raw").is_null() | (pl.col("raw").str.strip_chars() == ""))
        .then(pl.lit(EMPTY))
        .when(pl.col("is_elsewhere") & ~pl.col("is_here"))
        .then(pl.lit(OUTSIDE))
        .when(pl.col("text").is_null() | nowhere)
        .then(pl.lit(UNREADABLE))
        .otherwise(pl.lit(INSIDE))
    )
    frame = frame.with_columns(state.alias("state"))
    said = [*PARTS, "floor", "rest", "town_said"]
    inside = pl.col("state") == INSIDE
    return frame.select(
        "state",
        *(pl.when(inside).then(pl.col(part)).otherwise(pl.lit("")).alias(part) for part in said),
        (inside & (pl.col("road") == "") & (pl.col("village") != "")).alias("is_rural"),
    )


def _with_town(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Takes the town off the front: present and former names in full, present ones also without 镇 or 街道.

    A bare name is a town only where no road or village begins with it: 华新 in 华新拥军路 is, in 华新路 it is not.
    """
    full = sorted(names.towns, key=lambda name: (-len(name), name))
    if not full:
        return frame.with_columns(pl.lit("").alias("town_code"), pl.lit("").alias("town_said"))
    present = [name for name in full if name not in names.vocabulary.former_towns and len(name) > 2]
    bare = {name.removesuffix("镇").removesuffix("街道"): name for name in present}
    codes = {name: heirs[0] if len(heirs) == 1 else "" for name, heirs in names.towns.items()}
    text = pl.col("text")
    said = text.str.extract(f"^({'|'.join(full)})", 1)
    short = text.str.extract(f"^({'|'.join(sorted(bare, key=lambda name: (-len(name), name)))})", 1)
    after = text.str.slice(short.str.len_chars())
    is_road = after.str.contains(f"{_ROAD_WORD}|^(?:村|新村|社区|镇|街道|苑|园|公寓|小区|[0-9])")
    frame = frame.with_columns(
        pl.coalesce(said, pl.when(~is_road).then(short.replace(bare))).fill_null("").alias("town_said"),
        pl.when(said.is_not_null())
        .then(text.str.slice(said.str.len_chars()))
        .when(short.is_not_null() & ~is_road)
        .then(after)
        .otherwise(text)
        .alias("text"),
    )
    return frame.with_columns(
        pl.col("town_said").replace_strict(codes, default="", return_dtype=pl.String).alias("town_code")
    )


def _with_place(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Splits the name into village, road and hamlet; a word in the middle is a hamlet where there is no lane."""
    known = names.villages["village"].unique()
    committees = committee_names(names)
    name, after = pl.col("name"), pl.col("after")
    is_name = name.str.contains(r"\p{Han}") & ~name.str.contains("^[号室弄幢单元层组户楼附]*$")
    frame = frame.with_columns(pl.when(is_name).then(name).otherwise(pl.lit("")).alias("name"))
    lead = f"^({'|'.join(committees)})(?:居委会|居民委员会)?" if committees else "^(居委会)"
    frame = frame.with_columns(
        pl.col(*(group for group in _GROUPS)).fill_null(""),
        name.str.extract(lead, 1).fill_null("").alias("committee"),
    ).with_columns(name.str.replace(lead, "").alias("name"))
    frame = frame.with_columns(
        name.str.extract(_VILLAGE, 1).fill_null("").alias("village"), name.str.extract(_VILLAGE, 2).alias("after")
    )
    is_village = (
        (pl.col("village") != "")
        & ~after.str.contains(_ROAD_WORD)
        & (pl.col("village").is_in(known.implode()) | ~pl.col("village").str.ends_with("新村"))
    )
    is_short = ~is_village & (pl.col("group") != "") & (name + "村").is_in(known.implode())
    frame = frame.with_columns(
        pl.when(is_village).then("village").when(is_short).then(name + "村").otherwise(pl.lit("")).alias("village"),
        pl.when(is_village).then(after).when(is_short).then(pl.lit("")).otherwise(name).alias("after"),
    )
    is_road = (pl.col("village") == "") | (pl.col("lane") != "") | after.str.contains(_ROADLIKE)
    loose = (pl.col("number") == "") & (pl.col("building") == "") & (pl.col("unit") == "") & (pl.col("rest") == "")
    loose &= (pl.col("room") != "") & ~pl.col("text").str.ends_with("室")
    return frame.with_columns(
        pl.when(is_road).then(after).otherwise(pl.lit("")).alias("road"),
        pl.when(is_road).then(pl.lit("")).when(after != "").then(after).otherwise("middle").alias("hamlet"),
        # A number without its word at the end is a house, unless a house stands before it.
        pl.when(loose).then("room").otherwise("number").alias("number"),
        pl.when(loose).then(pl.lit("")).otherwise("room").alias("room"),
        pl.coalesce(pl.when(pl.col("village") != "").then("village"), "committee").alias("village"),
    )
