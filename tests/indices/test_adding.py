"""The guide to adding an indicator, followed to the letter: what it says to write is written, and gives numbers."""

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.indices.build import build
from pipelines.indices.editions import changed, find_editions
from pipelines.indices.load import load_spec
from tests.indices.district import build_models, make_district, make_project, write_district
from tests.indices.feeds import make_feeds

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = (REPOSITORY / "docs" / "adding_an_indicator.md").read_text("utf-8")


def block(name: str) -> str:
    [found] = re.findall(rf"```yaml {name}\n(.*?)```", GUIDE, re.DOTALL)
    return found.strip()


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    folder = tmp_path_factory.mktemp("adding")
    path, project = folder / "district.duckdb", folder / "project"
    district = make_district()
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_district(path, district | make_feeds(district))
        make_project(project)
        declared = project / "models" / "indices" / "_indices.yml"
        text = declared.read_text("utf-8")
        text = text.replace("        reach:\n", f"        reach:\n          - {block('reach')}\n", 1)
        text = text.replace("        computed:\n", f"        computed:\n          {block('computed')}\n", 1)
        declared.write_text(text, "utf-8")
        build_models(path, folder, monkeypatch)
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select village_code, numerator, denominator, n, n_unknown, status from indices.indicator_value "
            "where part_code = 'EDU09' order by 1"
        ).fetchall()


def test_its_numbers_are_there_for_every_village(numbers: list[tuple]) -> None:
    assert len(numbers) == 4 and any(row[5] == "observed" and row[2] > 0 for row in numbers)
    assert all(0 <= row[1] <= row[2] for row in numbers)


def test_its_edition_is_sound_supersedes_the_old_one_and_scores(tmp_path: Path, numbers: list[tuple]) -> None:
    for name in ("happiness.yml", "editions.lock.yml"):
        shutil.copy(REPOSITORY / "tag_rules" / "indices" / name, tmp_path / name)
    path = tmp_path / "happiness-2027.yml"
    path.write_text(block("edition"), "utf-8")
    spec = load_spec(path)
    assert changed(spec, path) == [] and spec.part("EDU09").parent == "EDU"
    assert len(spec.indicators) == len(load_spec(tmp_path / "happiness.yml").indicators) + 1
    before = load_spec(tmp_path / "happiness.yml").edition
    assert spec.supersedes == before, "the guide names the edition of today"
    assert [e.spec.edition for e in find_editions(tmp_path, date(2026, 12, 31))] == [before]
    assert [e.spec.edition for e in find_editions(tmp_path, date(2027, 1, 1))] == ["2027.1"]
    alone = tmp_path / "alone.yml"
    rows = "\n".join(line for line in block("edition").splitlines() if "EDU09" in line or line.startswith("     "))
    rows = re.sub(r"shrink: \{[^}]*\}, ", "", rows)
    rows = rows.replace("scale: 100,", "scale: 100, numerator: top, denominator: all,")
    head = 'index: alone\nedition: "1"\ntable: {unit: unit}\nnodes: [{code: EDU}]\nindicators:\n'
    alone.write_text(head + rows, "utf-8")
    table = tmp_path / "table.csv"
    observed = [row for row in numbers if row[5] == "observed"]
    table.write_text("unit,top,all\n" + "".join(f"{r[0]},{r[1]},{r[2]}\n" for r in observed))
    scores = build(alone, table).scores()
    assert scores["score"].null_count() == 0 and scores["score"].is_between(0, 100).all()
