"""The 52nd feed: one contract file, `xfy generate`, a delivery, and it flows to the release like any other."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.settings import REPOSITORY
from tests.end_to_end.support import AS_OF, xfy
from tests.feeds.making import citizen, column, document, rule

FEED = "F52"
CONTRACT = document(
    FEED,
    [
        column("pet_id", "犬证号", role="key", domain="pet", required=True, primaryKey=True),
        column("owner", "主人证号", role="identity", keep=["id"], required=True, on_invalid="link"),
        column(
            "village_code", "居村委", codes={"file": "qingpu_divisions.csv", "key": "village_code", "also": ["name"]}
        ),
        column("vaccinated_on", "免疫日期", "date", dates=["slashed", "chinese"]),
        column("temper", "性情", role="drop"),
    ],
    {"format": "delimited", "files": "*.txt", "encoding": "gb18030", "delimiter": "|"},
    rule("not_in_future", "vaccinated_on", "vaccinated_on <= business_on"),
)
ROWS = [
    f"Q1|{citizen(1)}|东盛社区居委会|2026/1/5|温顺",
    f"Q2|{citizen(2)}|310118001002|2026年10月30日|",
    f"Q3|{citizen(3)}|东盛社区居委会|2027/1/1|凶",
    "Q4||东盛社区居委会|2026/1/5|",
]


# The parts of it are in the suite (tests/feeds/test_lake.py); this is one more whole run.
@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_feed_is_added_by_one_file_and_flows_to_the_release(district: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(district, root, symlinks=True)
    shutil.copytree(REPOSITORY / "data" / "contracts", tmp_path / "contracts")
    shutil.copytree(REPOSITORY / "dbt_project", tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    more = {"XFY_CONTRACTS": str(tmp_path / "contracts"), "XFY_DBT_PROJECT": str(tmp_path / "dbt")}
    body = CONTRACT | {"schema": [dict(CONTRACT["schema"][0])]}
    body["schema"][0]["customProperties"] = [{"property": "people", "value": [{"slot": "person", "id": "owner"}]}]
    (tmp_path / "contracts" / f"{FEED}.yaml").write_text(yaml.safe_dump(body, allow_unicode=True), "utf-8")

    made = xfy(root, "generate", more=more).stdout.split()
    assert {Path(name).name for name in made} == {"stg_f52.sql", "_feeds.yml", "data_model.md"}
    folder = root / "landing" / FEED / AS_OF.isoformat() / "001"
    folder.mkdir(parents=True)
    text = "\n".join(["犬证号|主人证号|居村委|免疫日期|性情", *ROWS, ""])
    (folder / "犬.txt").write_bytes(text.encode("gb18030"))
    assert json.loads(xfy(root, "run", "--json", more=more).stdout)["success"]

    listed = {f["feed"]: f for f in json.loads(xfy(root, "feeds", "list", "--json", more=more).stdout)}
    assert len(listed) == 52
    assert (listed[FEED]["accepted_dates"], listed[FEED]["reconciled"]) == (1, True)
    status = json.loads(xfy(root, "feeds", "status", FEED, "--json", more=more).stdout)[0]
    assert (status["state"], status["accepted"], status["quarantined"]) == ("accepted", 3, 1)
    newest = max((root / "warehouse").glob("*.duckdb"), key=lambda p: p.stat().st_mtime)
    with duckdb.connect(str(newest), read_only=True) as connection:
        rows = connection.execute(
            "select village_code, vaccinated_on::varchar, owner_id is null from feeds.stg_f52 order by _line"
        ).fetchall()
    assert rows == [("310118001001", "2026-01-05", False), ("310118001002", "2026-10-30", False),
                    ("310118001001", "2026-01-05", True)]  # fmt: skip
    said = json.loads((root / "releases/current/products/internal/feeds/catalogue.json").read_text("utf-8"))
    columns = {c["name"]: c["standing"] for f in said["feeds"] if f["feed"] == FEED for c in f["columns"]}
    assert columns == {
        "pet_id": "door_only", "owner": "used", "village_code": "unused", "vaccinated_on": "door_only",
        "temper": "dropped",
    }  # fmt: skip
