"""Times the tag evaluator against a hand-written Polars script that computes the same tags from the same file.

Makes its own random district in DuckDB, runs both in turn, each in a process of its own, checks that every value is
equal and prints seconds, peak memory and their ratio:

    python benchmarks/tags_vs_polars.py [--persons 1400000] [--rounds 3]
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import tags_by_hand

from pipelines.settings import Settings
from pipelines.tags.catalogue import Catalogue, load_catalogue
from pipelines.tags.evaluate import evaluate

AS_OF = date(2026, 10, 31)
TEXTS = {
    "sex_code": ("1", "2", "0"),
    "alive": ("alive",) * 30 + ("dead", "unknown"),
    "nationality_code": ("CHN",) * 30 + ("FRA", "TWN", "HKG"),
    "marital_code": ("10", "20", "21", "22", "30", "40", "90"),
    "cert_kind": ("idcard",) * 20 + ("passport", "tw_permit", "none"),
    "hukou_div_code": ("310118", "310104", "340123"),
    "hukou_prov_code": ("31", "34", "32", "41", "42"),
    "hukou_kind": ("family", "collective", "public"),
    "hukou_nature": ("agri", "nonagri"),
    "tenure": ("own", "rent", "dorm", "relative", "shed", "institution"),
    "grade_code": ("1", "2", "3", "4"),
    "kind_code": ("1", "2", "3", "4", "5", "7"),
}


def make(database: Path, catalogue: Catalogue, persons: int) -> None:
    """Writes random persons and certificates with every column the tags read; 3 % of the values are unknown."""
    connection = duckdb.connect(str(database))
    connection.execute("create schema subjects; select setseed(0.42)")
    for name, rows in (("person", persons), ("disability", persons // 45)):
        columns = catalogue.registry.tables[name].columns.values()
        cells = [f"{_cell(c.name, c.type.kind, persons)} as {c.name}" for c in columns if c.type and not c.direct]
        connection.execute(f"create table subjects.{name} as select {', '.join(cells)} from range({rows}) r(i)")
    connection.execute(
        "create table subjects.feed_status as select unnest(['B01', 'F01', 'F08']) as feed, true as is_available"
    )
    connection.close()


def _cell(name: str, kind: str, persons: int) -> str:
    if name == "person_id":
        return f"md5(((i * 7919) % {persons})::varchar)[:20]"
    dates = {"birth_on": (AS_OF, 37500), "valid_to_on": (date(2036, 10, 31), 4000)}
    first, span = dates.get(name, (AS_OF, 800))
    texts = ", ".join(f"'{t}'" for t in TEXTS.get(name, ("310118101201", "310118101202", "310118102201")))
    values = {
        "bool": "random() < 0.5",
        "int": "(random() * 5)::int",
        "date": f"date '{first}' - (random() * {span})::int",
        "texts": "list_filter(['生活补贴', '护理补贴', '辅具'], lambda x: random() < 0.4)",
        "text": f"([{texts}])[1 + floor(random() * {len(TEXTS.get(name, 'abc'))})::int]",
    }
    return f"case when random() < 0.97 then {values[kind]} end"


def timed(what: Callable[[], None]) -> tuple[float, float]:
    """Seconds and peak megabytes of a call in a fresh process."""
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(what, writer))
    process.start()
    result = reader.recv()
    process.join()
    return result


def _measured(what: Callable[[], None], writer) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    what()
    seconds = time.perf_counter() - start
    writer.send((seconds, max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, before) / 1024))


class ByCatalogue:
    """The evaluator over the tags the hand-written script knows."""

    def __init__(self, catalogue: Catalogue, database: Path, out: Path) -> None:
        self.catalogue, self.database, self.out = catalogue, database, out

    def __call__(self) -> None:
        """Runs once."""
        evaluate(self.catalogue, self.database, AS_OF, self.out)


class ByHand:
    """The hand-written script."""

    def __init__(self, database: Path, target: Path) -> None:
        self.database, self.target = database, target

    def __call__(self) -> None:
        """Runs once."""
        tags_by_hand.evaluate(self.database, AS_OF, self.target)


def chosen(catalogue: Catalogue, codes: set[str]) -> Catalogue:
    """The catalogue cut down to some tags."""
    tags = {c: t for c, t in catalogue.tags.items() if c in codes}
    return Catalogue(catalogue.registry, catalogue.levels, catalogue.parameters, tags)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_400_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = Settings()
    whole = load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects", AS_OF)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "district.duckdb", whole, options.persons)
        hand = ByHand(folder / "district.duckdb", folder / "hand.parquet")
        hand()
        codes = set(pl.scan_parquet(hand.target).collect_schema().names()[1:])
        ours = ByCatalogue(chosen(whole, codes), folder / "district.duckdb", folder / "out")
        results: dict[str, list[tuple[float, float]]] = {"evaluator": [], "by hand": []}
        for _ in range(options.rounds):
            results["evaluator"].append(timed(ours))
            results["by hand"].append(timed(hand))
        unequal = different(folder / "out" / "person_tags.parquet", hand.target)
    print(f"{len(codes)} tags x {options.persons:,} persons, best of {options.rounds}")
    best = {who: min(runs) for who, runs in results.items()}
    for who, (seconds, memory) in best.items():
        print(f"{who:10} {seconds:6.2f} s  {memory:7.0f} MB")
    ratio = best["evaluator"][0] / best["by hand"][0]
    print(f"ratio {ratio:.2f} (seconds), {best['evaluator'][1] / best['by hand'][1]:.2f} (memory)")
    print(f"tags with a value that differs: {len(unequal)} {' '.join(unequal)}")
    if unequal:
        raise SystemExit(1)


def different(first: Path, second: Path) -> list[str]:
    """The tags whose values are not equal in both files, unknown included."""
    left, right = pl.read_parquet(first), pl.read_parquet(second)
    if left.columns != right.columns or not left["person_id"].equals(right["person_id"]):
        return ["columns or ids"]
    return [c for c in left.columns[1:] if not left[c].equals(right[c])]


if __name__ == "__main__":
    main()
