"""Hand-made subjects and tags in a run's database, and the products built over them by dbt in this process."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from pipelines.settings import REPOSITORY

AS_OF = date(2026, 10, 31)
EAST, WEST = "310118001001", "310118102201"
Rows = dict[str, list[dict[str, Any]]]


def person(key: str, village: str = EAST, **values: Any) -> dict[str, Any]:
    row = {
        "person_id": key, "name": f"{key}名", "sex_code": "2", "birth_on": date(1960, 2, 29), "age": 66,
        "alive": "alive", "cert_masked": "****************1X", "pop_type_code": "01", "res_village_code": village,
        "edu_code": "71", "res_dwelling_id": "d1", "hukou_address": "甲路9001号", "res_address": "乙路9002号",
        "mobile": "10012345678", "household_id": f"h{key}", "marital_code": "20", "rel_head_code": "02",
    }  # fmt: skip
    return row | values


SUBJECTS: Rows = {
    "person": [
        person("a", hukou_village_code=EAST),
        person("b", hukou_village_code=WEST, sex_code="1", age=30, birth_on=date(1996, 1, 1)),
        person("c", pop_type_code="02", res_dwelling_id="d2", age=8, birth_on=date(2018, 1, 1)),
        person("d", alive="dead", res_village_code=None, household_id=None),
        person("e", res_village_code=None, hukou_village_code=WEST, household_id=None),
        person("f", village=WEST, age=None, birth_on=None, sex_code="9", pop_type_code=None),
        {"person_id": "g", "known_by": "feeds", "name": "g名", "alive": "unknown"},
    ],
    "person_village": [
        {"person_id": key, "village_code": village, "role": role}
        for key, village, role in [
            ("a", EAST, "res"), ("a", EAST, "hukou"), ("b", EAST, "res"), ("b", WEST, "hukou"), ("c", EAST, "res"),
            ("e", WEST, "hukou"), ("f", WEST, "res"),
        ]
    ],
    "household": [
        {"household_id": "ha", "dwelling_id": "d1", "village_code": EAST, "size": 2, "head_id": "a", "n_disabled": 1},
        {"household_id": "hc", "dwelling_id": "d2", "village_code": EAST, "size": 1, "head_id": "c", "n_disabled": 0},
    ],
    "dwelling": [
        {"dwelling_id": "d1", "std_address": "丙路9003号", "village_code": EAST, "gross_area_m2": 80.5},
        {"dwelling_id": "d2", "std_address": "丙路9004号", "village_code": EAST, "gross_area_m2": 50},
        {"dwelling_id": "d3", "std_address": "丁路9005号", "village_code": WEST},
    ],
    "village": [
        {"village_code": code, "name": name, "kind": kind, "town_code": code[:9], "town_name": town, "grid_count": 2,
         "micro_grid_count": 8, "n_res": n, "n_household": 1, "n_household_person": n, "n_dwelling": 40,
         "n_dwelling_rented": 12}
        for code, name, kind, town, n in [
            (EAST, "东社区居委会", "居", "甲街道", 3),
            (WEST, "西村村委会", "村", "乙镇", 1),
        ]
    ],
    "residence_reg": [
        {"registration_id": "r1", "person_id": "c", "reg_on": date(2020, 1, 1), "is_open": False,
         "permit_type": "登记"},
        {"registration_id": "r2", "person_id": "c", "reg_on": date(2026, 1, 1), "is_open": True,
         "permit_type": "居住证", "arrive_on": date(2019, 5, 1), "reason": "family",
         "permit_valid_to_on": date(2027, 1, 1)},
    ],
    "lease": [
        {"lease_id": "z1", "dwelling_id": "d2", "landlord_name": "旧房东", "is_open": True,
         "start_on": date(2020, 1, 1)},
        {"lease_id": "z2", "dwelling_id": "d2", "landlord_name": "房东", "start_on": date(2026, 1, 1), "is_open": True,
         "is_filed": False, "tenant_count": 3, "end_on": date(2026, 12, 31)},
        {"lease_id": "z3", "dwelling_id": "d3", "landlord_name": "前房东", "is_open": False},
    ],
    "relief": [
        {"case_id": "k1", "household_id": "ha", "person_id": "a", "item": "低保", "status": "在享", "amount_cny": 1420,
         "review_due_on": date(2027, 3, 1)},
        {"case_id": "k1", "household_id": "ha", "person_id": "b", "item": "低保", "status": "在享", "amount_cny": 700.5,
         "review_due_on": date(2027, 1, 1)},
        {"case_id": "k0", "household_id": "ha", "person_id": "a", "item": "临时救助", "status": "停发",
         "amount_cny": 900},
    ],
    "disability": [
        {"person_id": "a", "cert_masked": "****************1X", "kind_code": "4", "grade_code": "2",
         "subsidies": ["护理补贴", "生活补贴"], "valid_to_on": date(2030, 1, 1)},
        {"person_id": "e", "grade_code": "3"},
        {"person_id": "d", "kind_code": "1", "grade_code": "1"},
    ],
    "verification": [
        {"verification_id": "q1", "village_code": EAST, "kind": "conflict", "person_id": "a", "attribute": "sex_code",
         "feeds": ["B01"], "other_feeds": ["F08", "F17"], "since_on": date(2026, 10, 1)},
        {"verification_id": "q2", "village_code": EAST, "kind": "one_person_two_numbers", "person_id": "a",
         "other_id": "e", "since_on": date(2026, 10, 2)},
        {"verification_id": "q3", "village_code": WEST, "kind": "unread_address", "feeds": ["F02"],
         "address": "戊路9006号", "reason": "unknown", "since_on": date(2026, 10, 3)},
        {"verification_id": "q4", "village_code": WEST, "kind": "unknown_person", "person_id": "g", "feeds": ["F06"]},
    ],
    "facility": [
        {"facility_id": "s1", "kind": "小学", "village_code": EAST, "status": "在用"},
        {"facility_id": "s2", "kind": "小学", "village_code": WEST, "status": "停用"},
    ],
    "code": [
        {"code_table": table, "code": code, "name": name}
        for table, code, name in [
            ("sex", "1", "男性"), ("sex", "2", "女性"), ("edu", "71", "初中毕业"), ("pop_type", "01", "户籍人口"),
            ("pop_type", "02", "来沪人员"), ("family_relation", "02", "户主"), ("marital", "20", "已婚"),
            ("disability_kind", "4", "肢体残疾"), ("disability_grade", "2", "二级"),
        ]
    ],
    "feed_status": [
        {"feed": feed, "is_available": True, "is_stale": False, "business_on": AS_OF, "accepted_rows": 1}
        for feed in ("B01", "B02", "B03", "B04", "B05", "F01", "F02", "F06", "F08")
    ],
}  # fmt: skip


def tags_of_ledgers() -> dict[str, set[str]]:
    """The tag codes that the ledgers select by, by subject."""
    found: dict[str, set[str]] = {"person": set(), "household": set(), "dwelling": set()}
    for path in (REPOSITORY / "dbt_project/models/products").glob("ledger_*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            declared = model["config"]["meta"]["ledger"]
            found[declared["subject"]] |= set(declared["selection"])
    return found


# Who has which selecting tag, by the subject's key; everybody else of the subject has none or null.
TAGGED = {"person": ("c", "a", "e", "d"), "household": ("ha",), "dwelling": ("d2", "d3")}


@pytest.fixture(scope="session")
def products(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Products"]:
    """The products over the hand-made subjects, built once."""
    folder = tmp_path_factory.mktemp("products")
    project = folder / "project"
    shutil.copytree(REPOSITORY / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    made = Products(folder / "hand.duckdb", project)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(os.environ, "XFY_WAREHOUSE", str(made.path))
        monkeypatch.setitem(os.environ, "XFY_TEMP", str(folder / "tmp"))
        with made.open() as connection:
            _fill(connection, project)
        arguments = ["build", "--select", "path:models/products", "--project-dir", str(project), "--profiles-dir"]
        result = dbtRunner().invoke([*arguments, str(project), "--quiet", "--log-path", str(folder / "logs")])
        assert result.success, result.exception or [r.message for r in result.result]
    yield made


class Products:
    """The database and the compiled project."""

    def __init__(self, path: Path, project: Path) -> None:
        self.path, self.project = path, project

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The database; dbt holds it open between invocations in the same process."""
        DuckDBConnectionManager.close_all_connections()
        connection = duckdb.connect(str(self.path), config={"storage_compatibility_version": "v1.5.0"})
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.open() as connection:
            return connection.execute(query).fetchall()

    def compiled(self, model: str) -> str:
        """A model's SQL as dbt ran it."""
        manifest = json.loads((self.project / "target" / "manifest.json").read_text(encoding="utf-8"))
        return manifest["nodes"][f"model.xingfuyun.{model}"]["compiled_code"]


def _fill(connection: duckdb.DuckDBPyConnection, project: Path) -> None:
    """Subject tables as the registry types them, and wide tag tables with the codes the ledgers need."""
    connection.execute("create schema subjects; create schema tags; create schema products; create schema run")
    connection.execute("create table run.context as select ?::date as as_of", [AS_OF])
    for path in sorted((project / "models" / "subjects").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            columns = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
            connection.execute(f"create table subjects.{model['name']} ({columns})")
            for row in SUBJECTS.get(model["name"], []):
                marks = ", ".join("?" for _ in row)
                names = ", ".join(row)
                connection.execute(f"insert into subjects.{model['name']} ({names}) values ({marks})", [*row.values()])
    for subject, codes in tags_of_ledgers().items():
        chosen = ", ".join(f"'{key}'" for key in TAGGED[subject])
        values = ", ".join(f"case when {subject}_id in ({chosen}) then true end as {code}" for code in sorted(codes))
        connection.execute(f"create table tags.{subject}_tags as select {subject}_id, {values} from subjects.{subject}")
