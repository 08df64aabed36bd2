"""Deliveries made of parts: files of different layout, or even format, that together are one feed's rows.

Each part is read by the reader of its own format with the columns it has; columns of the other parts are empty in its
rows. What a part is stands in the contract. No file is opened here.
"""

import fnmatch
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import FILE, LINE, Raw
from pipelines.feeds.transport import FilePart


def read_parts(contract: Contract, folder: Path, read: Callable[[Contract, Path], Raw]) -> Raw:
    """Read every part by `read` and join the rows. Raises DeliveryProblem, also where a part that must come is away."""
    raws = []
    for layouts in _by_layout(contract.delivery.parts):
        if layouts[0].optional and not any(folder.glob(layouts[0].files)):
            continue
        try:
            raws.append(_read(contract, layouts, folder, read))
        except DeliveryProblem as problem:
            if problem.kind == "misnamed" and _are_parts(contract, problem.file.split("、")):
                raise DeliveryProblem("missing_file", detail=layouts[0].files) from problem
            raise
    counts = [raw.declared for raw in raws]
    structural: dict[str, int] = {}
    for raw in raws:
        for name, count in raw.structural.items():
            structural[name] = structural.get(name, 0) + count
    return Raw(
        pl.concat([raw.frame for raw in raws]),
        pl.concat([raw.scraps for raw in raws]),
        cut=_cut(raws),
        structural=structural,
        added=tuple(sorted({name for raw in raws for name in raw.added})),
        mended=any(raw.mended for raw in raws),
        declared=sum(count or 0 for count in counts) if any(count is not None for count in counts) else None,
    )


def _are_parts(contract: Contract, names: list[str]) -> bool:
    """Whether files belong to the delivery, so that none of them can be another of its files by a wrong name."""
    return all(any(fnmatch.fnmatchcase(name, part.files) for part in contract.delivery.parts) for name in names)


def _by_layout(parts: tuple[FilePart, ...]) -> list[list[FilePart]]:
    """The parts, those together that are layouts of the same files."""
    found: dict[str, list[FilePart]] = {}
    for place, part in enumerate(parts):
        found.setdefault(part.layout_of or f"/{place}", []).append(part)
    return list(found.values())


def _read(contract: Contract, layouts: list[FilePart], folder: Path, read: Callable[[Contract, Path], Raw]) -> Raw:
    """The files by the first layout whose columns they bear; where they bear none's, the last says what is missing."""
    *others, usual = layouts
    for part in others:
        try:
            return _as_whole(contract, part, read(of_part(contract, part), folder))
        except DeliveryProblem as problem:
            if problem.kind != "header_missing":
                raise
    return _as_whole(contract, usual, read(of_part(contract, usual), folder))


def of_part(contract: Contract, part: FilePart) -> Contract:
    """The contract as it reads one part: the part's options, only its columns, under the names its files use."""
    said = part.model_dump(exclude_unset=True, exclude={"columns", "rename", "optional", "layout_of"})
    delivery = contract.delivery.model_copy(update={"parts": (), **{name: getattr(part, name) for name in said}})
    file_names = {ours: theirs for theirs, ours in part.rename.items()}
    columns = tuple(
        column.model_copy(update={"physical": file_names.get(column.physical, column.physical)})
        for column in contract.read_columns
        if not part.columns or column.physical in part.columns
    )
    fields = {name: getattr(contract, name) for name in Contract.model_fields}
    # Not validated again: rules speak of columns that other parts have.
    return Contract.model_construct(**fields | {"delivery": delivery, "columns": columns})


def _as_whole(contract: Contract, part: FilePart, raw: Raw) -> Raw:
    """The part's rows under the contract's names, with the columns it lacks."""
    frame = raw.frame.rename(part.rename, strict=False)
    missing = [name for name in contract.physicals if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    raw.frame = frame.select(*contract.physicals, FILE, LINE)
    raw.cut = {part.rename.get(name, name): cut for name, cut in raw.cut.items()}
    return raw


def _cut(raws: list[Raw]) -> dict[str, pl.Series]:
    names = sorted({name for raw in raws for name in raw.cut})
    return {
        name: pl.concat([raw.cut.get(name, pl.repeat(False, raw.frame.height, eager=True)) for raw in raws])
        for name in names
    }
