"""GeoJSON feature collections of points."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.delimited import decode
from pipelines.feeds.readers.nested import as_text, with_whole_characters
from pipelines.feeds.readers.raw import LINE, Raw, each_file, match_header, place, scraps

# Raw names of a point's coordinates; GeoJSON gives them no name of their own.
LONGITUDE, LATITUDE = "geometry[0]", "geometry[1]"


def read_geojson(contract: Contract, folder: Path) -> Raw:
    """Read point features: their properties and coordinates as text. `_line` is the feature's ordinal in its file."""
    frames, added, shapeless, is_mended = [], set(), [], False
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            text = decode(path, name, "utf-8")
            whole = with_whole_characters(text)
            frame, more, odd = _read(contract, _features(whole, name), name)
        is_mended |= whole is not text
        frames.append(frame)
        added |= set(more)
        shapeless += odd
    return Raw(
        pl.concat(frames),
        scraps(shapeless),
        added=tuple(sorted(added)),
        structural={"features": sum(map(len, frames)) + len(shapeless)},
        mended=is_mended,
    )


def _read(
    contract: Contract, features: list[Any], name: str
) -> tuple[pl.DataFrame, tuple[str, ...], list[tuple[str, int, str, str]]]:
    """One file's rows, its columns beyond the contract, and what is no point or too deep to be written."""
    wanted, shapeless = contract.physicals, []
    rows: list[list[str | None]] = []
    lines: list[int] = []
    names = dict.fromkeys(key for f in features for key in _properties(f))
    added = match_header(contract, [*names, LONGITUDE, LATITUDE], name) if features else ()
    for line, feature in enumerate(features, 1):
        point = _point(feature)
        values = _properties(feature) | ({LONGITUDE: point[0], LATITUDE: point[1]} if point else {})
        try:
            row = [_text(values.get(key)) for key in wanted] if point else None
        except RecursionError:
            row = None
        if row is None:
            shapeless.append((name, line, as_text(feature), "feature"))
            continue
        rows.append(row)
        lines.append(line)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(wanted, pl.String), orient="row")
    return place(frame, name).with_columns(pl.Series(LINE, lines, pl.Int32)), added, shapeless


def _features(text: str, name: str) -> list[Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nesting"
        raise DeliveryProblem("truncated", file=name, detail=where) from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise DeliveryProblem("damaged", file=name, detail="no FeatureCollection")
    return features


def _properties(feature: Any) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _point(feature: Any) -> list[Any] | None:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    point = geometry.get("coordinates") if isinstance(geometry, dict) else None
    return point if isinstance(point, list) and len(point) >= 2 and _properties(feature) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # NaN, which is no JSON, is written for nothing at all.
    return None if value != value else json.dumps(value, ensure_ascii=False)
