"""Landing: read, check and store deliveries, each once.

A delivery is stored whole or not at all: rows, duplicates and receipt are written to a hidden folder beside their place
and moved there in one step. What may hold raw values goes to the vault first. Nothing here decides whether a delivery
is used (`judge`).
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.disk import sha256_of, sync, write_private
from pipelines.feeds import codes, deliveries, quarantine, readers
from pipelines.feeds.check import DUPLICATE_SCHEMA, Checked, check, lake_schema
from pipelines.feeds.confine import confined, told
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Waiver, read_waivers
from pipelines.feeds.deliveries import Delivery, FileMark
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.receipts import MAKING, RECEIPT, REFUSED, Problem, Receipt, read_receipt, write_synced
from pipelines.feeds.waivers import concerning, fingerprint
from pipelines.identifiers import Key
from pipelines.refusal import Refusal
from pipelines.settings import Settings

Report = Callable[[str], None]
ROWS, DUPLICATES, SEEN = "rows.parquet", "duplicates.parquet", "seen.json"
# Rejected for what may be otherwise the next time though the files are the same: a password, a right, a defect mended.
_TRIED_AGAIN = frozenset(("no_password", "wrong_password", "unreadable", "changing", "failed", "died"))


def land_feed(
    settings: Settings,
    contract: Contract,
    key: Key,
    as_of: date,
    report: Report | None = None,
    waivers: Collection[Waiver] | None = None,
    afresh: Delivery | None = None,
    died: Collection[Delivery] = (),
) -> list[Receipt]:
    """Land every delivery of a feed with a business date up to `as_of` that is not landed yet.

    `waivers` are people's decisions on rows, read from landing/ where not given; those taken after `as_of` do not
    count. The delivery `afresh` is read again whatever its receipt says; those that `died` ended the process that read
    them, and are rejected for it. Returns the receipts of all of them, new and
    old, in order. Running it again changes nothing.
    """
    waivers = read_waivers(settings.landing) if waivers is None else waivers
    made_with = reference_sha256(settings, contract)
    found, _ = deliveries.find(settings.landing, [contract.feed])
    due = [d for d in found if d.business_on <= as_of]
    marks = {d: deliveries.measure(d, seen_marks(settings, d)) for d in due}
    hashes = {d: deliveries.combined_sha256(m) for d, m in marks.items()}
    receipts: list[Receipt] = []
    for delivery in due:
        earlier = [d for d in due if d.business_on == delivery.business_on and d.number < delivery.number]
        same_as = next((d.number for d in earlier if hashes[d] == hashes[delivery]), None)
        decided = concerning(waivers, contract.feed, delivery.business_on, delivery.number, as_of)
        fresh = replace(
            _receipt(contract, key, delivery, marks[delivery], same_as),
            waivers_sha256=fingerprint(decided),
            reference_sha256=made_with,
        )
        receipts.append(
            _land(
                settings,
                contract,
                key,
                delivery,
                marks[delivery],
                fresh,
                decided,
                report,
                is_afresh=delivery == afresh,
                has_died=delivery in died,
            )
        )
    _withdraw(settings, contract.feed, found, report)
    _sweep(settings, contract.feed)
    return receipts


def _land(
    settings: Settings,
    contract: Contract,
    key: Key,
    delivery: Delivery,
    marks: list[FileMark],
    fresh: Receipt,
    waivers: Collection[Waiver],
    report: Report | None,
    is_afresh: bool,
    has_died: bool,
) -> Receipt:
    place = lake_place(settings, delivery)
    if (place / RECEIPT).exists():
        old = read_receipt(place / RECEIPT)
        # What was rejected whole may still have been on its way; what was read is on record and must not change.
        if old.sha256 != fresh.sha256 and old.problem is None:
            refused = _with_problem(fresh, delivery, _closed(marks) or DeliveryProblem("changed_in_place"))
            write_synced(place / REFUSED, refused.to_json())
            _say(report, delivery, refused)
            return refused
        (place / REFUSED).unlink(missing_ok=True)
        is_tried = old.problem is not None and old.problem.kind in _TRIED_AGAIN
        if _same_making(old, fresh) and not is_tried and not is_afresh:
            damaged = _damaged(place, old)
            if damaged is None:
                return old
            if report is not None:
                report(f"{delivery.label}: lake/…/{damaged} is not what was written there; the delivery is read again")
    if fresh.same_as is not None:
        return _store_repeat(settings, contract, delivery, fresh, marks)
    try:
        if has_died:
            raise DeliveryProblem("died")
        with _marked(settings, delivery):
            raw, beyond, checked = _examined(settings, contract, key, delivery, marks, waivers)
    except DeliveryProblem as problem:
        receipt = _with_problem(fresh, delivery, problem)
        _keep_failure(settings, delivery, problem)
        receipt = _store(settings, contract, delivery, receipt, marks, None)
        _say(report, delivery, receipt)
        return receipt
    _failure_path(settings, delivery).unlink(missing_ok=True)
    receipt = replace(
        fresh,
        delivered=checked.delivered,
        accepted=checked.rows.height,
        quarantined=checked.quarantine.height,
        duplicate=checked.duplicates.height,
        declared=raw.declared,
        added_columns=raw.added,
        structural=raw.structural | ({"ignored_files": beyond} if beyond else {}),
        dropped=checked.dropped,
        rules=checked.rule_counts,
        waived=checked.waived,
        void_waivers=checked.void_waivers,
        shape=checked.shape,
    )
    receipt = _store(settings, contract, delivery, receipt, marks, checked)
    _say(report, delivery, receipt)
    return receipt


def _examined(
    settings: Settings,
    contract: Contract,
    key: Key,
    delivery: Delivery,
    marks: list[FileMark],
    waivers: Collection[Waiver],
) -> tuple[readers.Raw, int, Checked]:
    """The delivery read and checked, and how many files of it were not read. Raises DeliveryProblem for all that fails
    on its account."""
    if problem := _closed(marks):
        raise problem
    try:
        with confined(delivery.folder):
            raw = readers.read(contract, delivery.folder, settings.passwords)
            beyond = len(marks) - len(readers.find_files(contract, delivery.folder))
            checked = check(contract, raw, key, delivery.business_on, settings.reference, waivers)
    except DeliveryProblem:
        _must_hold_still(delivery, marks)
        raise
    _must_hold_still(delivery, marks)
    return raw, beyond, checked


def _closed(marks: list[FileMark]) -> DeliveryProblem | None:
    """What is to be said where a file could not even be measured."""
    name = next((mark.path for mark in marks if not mark.sha256), None)
    if name is None:
        return None
    return DeliveryProblem("unreadable", file=name, detail="no right to read it, or it is gone")


def _must_hold_still(delivery: Delivery, marks: list[FileMark]) -> None:
    """The receipt vouches for what was read under the hash of what was measured before."""
    odd = sorted({mark.path for mark in {*deliveries.measure(delivery, marks)} ^ {*marks}})
    if odd:
        raise DeliveryProblem("changing", file=odd[0])


def lake_place(settings: Settings, delivery: Delivery) -> Path:
    """Where a delivery's accepted rows and receipt are."""
    return settings.lake / delivery.feed / delivery.business_on.isoformat() / delivery.number


def reference_sha256(settings: Settings, contract: Contract) -> str:
    """One hash over the reference files that the contract's code tables are read from."""
    tables = (codes.sources(c.intake.codes) for c in contract.columns if c.intake.codes is not None)
    digest = hashlib.sha256()
    for name in sorted({name for names in tables for name in names}):
        digest.update(f"{name}\0".encode() + hashlib.sha256((settings.reference / name).read_bytes()).digest())
    return digest.hexdigest()


class LandingLost(Refusal):
    """Everything a feed ever delivered is gone from landing/: no run may take that for what the department said."""


def _withdraw(settings: Settings, feed: str, found: Collection[Delivery], report: Report | None) -> None:
    """Forget deliveries that were taken out of landing/: what is not there counts for nothing.

    Their rows held back are written down as gone. Raises LandingLost where none of the feed's deliveries is left.
    """
    there = {(d.business_on.isoformat(), d.number) for d in found}
    places = [path.parent for path in sorted((settings.lake / feed).glob(f"[0-9]*/[0-9]*/{RECEIPT}"))]
    # What cannot be looked into is not known to be gone.
    shut = [settings.landing / feed / place.parent.name for place in places]
    gone = [
        place
        for place, day in zip(places, shut, strict=True)
        if (place.parent.name, place.name) not in there and not deliveries.is_closed(day)
    ]
    if gone and not found:
        raise LandingLost(
            f"landing/{feed} holds none of the {len(gone)} deliveries that were landed from it: restore it; "
            f"if the feed is really to begin anew, remove {settings.lake / feed} too"
        )
    for place in gone:
        receipt = read_receipt(place / RECEIPT)
        delivery = Delivery(feed, receipt.business_on, receipt.number, place)
        quarantine.store(settings, delivery, None, receipt)
        (place / RECEIPT).unlink()
        shutil.rmtree(place)
        if report is not None:
            report(f"{delivery.label}: taken out of landing/, so it counts no longer")


# ---------------------------------------------------------------- receipts


def _receipt(contract: Contract, key: Key, delivery: Delivery, marks: list[FileMark], same_as: str | None) -> Receipt:
    """The part of a receipt that is known before reading: enough to tell whether the work was done before."""
    return Receipt(
        feed=contract.feed,
        business_on=delivery.business_on,
        number=delivery.number,
        delivered=0,
        accepted=0,
        quarantined=0,
        duplicate=0,
        sha256=deliveries.combined_sha256(marks),
        files=tuple({"path": m.path, "sha256": m.sha256, "bytes": m.bytes} for m in marks),
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        key_id=key.key_id,
        same_as=same_as,
        making=MAKING,
    )


def _same_making(old: Receipt, new: Receipt) -> bool:
    """Whether two receipts speak of the same files, contract, code tables, decisions, key and place among repeats."""
    made = ("sha256", "contract_sha256", "key_id", "same_as", "reference_sha256", "waivers_sha256", "making")
    return all(getattr(old, name) == getattr(new, name) for name in made)


def _damaged(place: Path, receipt: Receipt) -> str | None:
    """The first file of a landed delivery that is not what its receipt says was written, or None."""
    for name in (ROWS, DUPLICATES):
        try:
            if sha256_of(place / name) != receipt.written.get(name):
                return name
        except OSError:
            return name
    return None


def _with_problem(fresh: Receipt, delivery: Delivery, problem: DeliveryProblem) -> Receipt:
    told = Problem(
        kind=problem.kind,
        message=problem.describe(delivery.feed, delivery.business_on.isoformat(), delivery.number),
        message_zh=problem.message.zh,
        file=problem.file,
        line=problem.line,
        column=problem.column,
    )
    return replace(fresh, problem=told)


def _say(report: Report | None, delivery: Delivery, receipt: Receipt) -> None:
    if report is None:
        return
    if receipt.problem:
        report(receipt.problem.message)
        return
    report(
        f"{delivery.label}: {receipt.delivered} delivered, {receipt.accepted} accepted, "
        f"{receipt.quarantined} quarantined, {receipt.duplicate} duplicate"
    )


# ---------------------------------------------------------------- storing


def _store(
    settings: Settings,
    contract: Contract,
    delivery: Delivery,
    receipt: Receipt,
    marks: list[FileMark],
    checked: Checked | None,
) -> Receipt:
    """Quarantine to the vault, then rows, duplicates and receipt to the lake in one step; returns what was written."""
    quarantine.store(settings, delivery, checked, receipt)
    _open_lake(settings)
    rows = checked.rows if checked else pl.DataFrame(schema=lake_schema(contract))
    duplicates = checked.duplicates if checked else pl.DataFrame(schema=DUPLICATE_SCHEMA)
    place = lake_place(settings, delivery)
    try:
        with _moved_into(place) as folder:
            rows.write_parquet(folder / ROWS, compression="zstd", compression_level=1)
            duplicates.write_parquet(folder / DUPLICATES)
            for name in (ROWS, DUPLICATES):
                sync(folder / name)
            receipt = replace(receipt, written={name: sha256_of(folder / name) for name in (ROWS, DUPLICATES)})
            write_synced(folder / RECEIPT, receipt.to_json())
            write_synced(folder / SEEN, json.dumps([asdict(mark) for mark in marks]))
    except (OSError, pl.exceptions.ComputeError) as error:
        need = rows.estimated_size("mb") + 1
        raise OSError(f"{place}: cannot be written ({error}); up to {need:.0f} MB must be free there") from error
    return receipt


def _store_repeat(
    settings: Settings, contract: Contract, delivery: Delivery, fresh: Receipt, marks: list[FileMark]
) -> Receipt:
    """A delivery with the content of an earlier number of its date: every row is a duplicate of that one."""
    first = read_receipt(lake_place(settings, delivery).parent / str(fresh.same_as) / RECEIPT)
    receipt = replace(
        fresh,
        delivered=first.delivered,
        duplicate=first.delivered,
        declared=first.declared,
        structural=first.structural,
        problem=first.problem,
    )
    return _store(settings, contract, delivery, receipt, marks, None)


def _open_lake(settings: Settings) -> None:
    """Rows bear names and addresses: the lake is nobody else's to read."""
    settings.lake.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.lake.chmod(0o700)


def reading_mark(settings: Settings, delivery: Delivery) -> Path:
    """Stands while a delivery is read, so that it is left only where the process that read it came to its end."""
    place = lake_place(settings, delivery)
    return place.with_name(f".{place.name}.reading")


@contextmanager
def _marked(settings: Settings, delivery: Delivery) -> Iterator[None]:
    _open_lake(settings)
    mark = reading_mark(settings, delivery)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _failure_path(settings: Settings, delivery: Delivery) -> Path:
    name = f"{delivery.feed}-{delivery.business_on}-{delivery.number}.txt"
    return settings.vault / "failures" / name


def _keep_failure(settings: Settings, delivery: Delivery, problem: DeliveryProblem) -> None:
    """How a reader failed, for whoever mends it; nothing of former failures that are mended."""
    path = _failure_path(settings, delivery)
    path.unlink(missing_ok=True)
    if problem.kind == "failed":
        quarantine.private_folder(settings.vault, path.parent)
        write_private(path, told(problem).encode())


@contextmanager
def _moved_into(place: Path) -> Iterator[Path]:
    """A hidden folder that takes `place` when the block ends well, replacing what was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    building = place.with_name(f".{place.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        yield building
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    sync(building)
    if place.exists():
        # A folder cannot be replaced in one step; without its receipt the old one counts as not landed.
        (place / RECEIPT).unlink(missing_ok=True)
        shutil.rmtree(place)
    building.replace(place)
    sync(place.parent)


def _sweep(settings: Settings, feed: str) -> None:
    """Remove what a killed run left half built, in the lake and in the vault."""
    for left in (settings.lake / feed).glob("*/.*.new"):
        shutil.rmtree(left, ignore_errors=True)
    for left in (settings.vault / "quarantine" / feed).glob("*/.*.tmp"):
        left.unlink(missing_ok=True)


def seen_marks(settings: Settings, delivery: Delivery) -> list[FileMark]:
    """A delivery's files as they were when it was landed, so that unchanged ones need not be read again."""
    path = lake_place(settings, delivery) / SEEN
    return [FileMark(**mark) for mark in json.loads(path.read_text("utf-8"))] if path.exists() else []
