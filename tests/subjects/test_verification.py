"""What is asked again, and homes found by address: hand-made rows."""

from collections.abc import Iterator
from datetime import date

import pytest
import yaml

from pipelines.settings import REPOSITORY
from pipelines.subjects.show.registry import untold_feeds
from tests.subjects.conftest import AS_OF, Warehouse
from tests.subjects.district import person
from tests.subjects.test_places import EAST, HEAD, WEST, dwelling, lease, lives, village

ROWS = {
    "B03": [village(EAST, "东盛社区居委会", "夏阳街道"), village(WEST, "东庄村村委会", "练塘镇")],
    "B02": [dwelling("d1", f"{HEAD}1号101室"), dwelling("d2", f"{HEAD}2号101室"), dwelling("d2b", f"{HEAD}2号101室")],
    "B01": [
        lives("asked", "d1"),
        lives("adrift", None, None, res_address=f"{HEAD}8号101室"),
        lives("silent", None, None),
        lives("several", None, None, res_address=f"{HEAD}2号101室"),
        lives("found", None, "12", res_address="夏阳青松路9001弄1-101"),
        lives("mistyped", "d_gone", "12", res_address="夏阳青松路9001弄1-101"),
        person("village_unsaid", res_village_code=None, is_separated=True, hukou_village_code=WEST,
               res_address=f"{HEAD}1号101室", rel_main_code="12"),
        person("elsewhere", res_village_code=None, is_separated=True, hukou_village_code=WEST,
               res_address="安徽省某县某路1号"),
        lives("dead", "d1", alive="dead"),
    ],
    "F08": [
        {"person_id": key, "name": key, "sex_code": "1", "issued_on": date(2020, 1, 1)}
        for key in ("asked", "elsewhere", "dead")
    ],
    "F17": [{"person_id": "asked", "name": "asked", "sex_code": "1"}],
    "F06": [
        {"case_id": "k1", "person_id": "stranger", "name": "某某", "village_code": WEST},
        {"case_id": "k2", "person_id": "nowhere", "name": "某人", "village_code": "310118999999"},
        {"case_id": "k3", "person_id": "doubtful", "name": "疑某", "village_code": WEST},
    ],
    # Whom a party branch names is told no village.
    "F20": [{"person_id": "member", "branch_id": "DZB1", "reported_village_code": WEST}],
    "F02": [
        lease("read", None, f"{HEAD}1号101室"), lease("unread", None, f"{HEAD}9号101室"),
        lease("outside", None, "浙江省某市某路1号"), lease("empty", None, ""),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, project, contracts) -> Iterator[Warehouse]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        warehouse = Warehouse(tmp_path_factory.mktemp("w") / "asked.duckdb", project, contracts, monkeypatch)
        warehouse.fill(ROWS)
        with warehouse.open() as connection:
            suspicion = "insert into identity.suspicion select ?, ?, ?, 0.95, date '2026-10-02'"
            connection.execute(suspicion, ["asked", "adrift", "one_person_two_numbers"])
            connection.execute(suspicion, ["doubtful", "found", "perhaps_known"])
            connection.execute(suspicion, ["dead", None, "one_number_two_people"])
            for feed in ("F13", "F16"):
                connection.execute(f"insert into identity.history (\"on\", event, person_id, feed) values "
                                   f"(date '2026-10-02', 'created', 'made by {feed}', '{feed}')")  # fmt: skip
        assert warehouse.build("path:models/feeds", "path:models/subjects")
        yield warehouse


def questions(asked: Warehouse, kind: str, *columns: str) -> list[tuple]:
    told = ", ".join(columns)
    return asked.rows(f"select {told} from subjects.verification where kind = '{kind}' order by all")


def test_feeds_that_disagree_are_one_question_an_attribute_where_the_person_lives(asked: Warehouse) -> None:
    rows = questions(asked, "conflict", "person_id", "village_code", "attribute", "feeds", "other_feeds", "since_on")
    assert rows == [
        ("asked", EAST, "sex_code", ["B01"], ["F08", "F17"], AS_OF),
        # Registered here, living outside the district.
        ("elsewhere", WEST, "sex_code", ["B01"], ["F08"], AS_OF),
    ]
    told = asked.column("select person_id, conflict_attributes from subjects.person")
    assert told["asked"] == told["dead"] == ["sex_code"] and told["found"] == []


def test_suspicions_are_asked_of_both_and_of_those_who_live_somewhere(asked: Warehouse) -> None:
    two = questions(asked, "one_person_two_numbers", "person_id", "other_id", "village_code", "since_on")
    assert two == [("adrift", "asked", EAST, date(2026, 10, 2)), ("asked", "adrift", EAST, date(2026, 10, 2))]
    assert questions(asked, "perhaps_known", "person_id", "other_id") == [("found", "doubtful")]
    assert questions(asked, "one_number_two_people", "person_id") == []


def test_strangers_are_told_to_the_village_that_a_feed_names_unless_that_tells_more(asked: Warehouse) -> None:
    found = questions(asked, "unknown_person", "person_id", "village_code", "feeds")
    assert found == [("stranger", WEST, ["F06"])]


def test_homes_and_rows_whose_address_is_no_dwelling_are_asked_for_with_the_reason(asked: Warehouse) -> None:
    homes = questions(asked, "no_dwelling", "person_id", "village_code", "reason", "address")
    assert homes == [
        ("adrift", EAST, "unknown", f"{HEAD}8号101室"),
        ("several", EAST, "ambiguous", f"{HEAD}2号101室"),
        ("silent", EAST, "empty", None),
    ]
    rows = questions(asked, "unread_address", "village_code", "feeds", "address", "reason")
    assert rows == [(EAST, ["F02"], f"{HEAD}9号101室", "unknown")]


def test_a_home_found_by_its_address_counts_and_says_whose_address_it_was(asked: Warehouse) -> None:
    rows = asked.rows(
        "select p.person_id, p.res_dwelling_id, p.res_village_code, s.res_dwelling_id, s.res_village_code, "
        "s.res_dwelling_id_known_on, d.method from subjects.person p join subjects.person_source s using (person_id) "
        "join subjects.person_dwelling d on d.person_id = p.person_id and d.role = 'res' order by 1"
    )
    assert rows == [
        ("asked", "d1", EAST, "B01", "B01", AS_OF, "code"),
        ("found", "d1", EAST, "B01", "B01", AS_OF, "exact"),
        # A number that is no dwelling's gives way to the address.
        ("mistyped", "d1", EAST, "B01", "B01", AS_OF, "exact"),
        ("village_unsaid", "d1", EAST, "B01", "B01", AS_OF, "exact"),
    ]
    # They are a household of that dwelling together with its main resident, and its village counts them.
    assert asked.rows("select size from subjects.household where dwelling_id = 'd1'") == [(4,)]
    assert asked.rows(f"select n_res from subjects.village where village_code = '{EAST}'") == [(7,)]


def test_no_history_tells_a_feed_that_tells_an_illness(asked: Warehouse) -> None:
    told = asked.column("select person_id, feed from subjects.person_id_history")
    assert told == {"made by F13": "F13", "made by F16": None}


def test_what_survivorship_does_not_ask_because_it_tells_too_much_is_told_nowhere() -> None:
    silent = yaml.safe_load((REPOSITORY / "data/survivorship/person.yml").read_text("utf-8"))["silent"]
    telling = {feed for feed, why in silent.items() if why.startswith(("that this feed names", "data of an emergency"))}
    assert untold_feeds(REPOSITORY / "dbt_project") == telling
    declared = yaml.safe_load((REPOSITORY / "dbt_project/dbt_project.yml").read_text("utf-8"))["vars"]
    assert not telling & set(declared["verification"]["named_by"])


BROKEN = {
    "two versions of a person": "insert into subjects.person_version (person_id, known_from_on, known_to_on) values "
    "('asked', '2026-10-01', '2026-10-10'), ('asked', '2026-10-09', '2026-10-20')",
    "a version after the running one": "insert into subjects.person_version (person_id, known_from_on, known_to_on) "
    "select 'asked', '2026-10-01', known_from_on + 1 from subjects.person_source where person_id = 'asked'",
    "an id merged and still there": "insert into subjects.person_id_history (happened_on, event, person_id, other_id) "
    "values ('2026-10-01', 'merged', 'asked', 'found')",
    "no such attribute": "insert into subjects.person_period (person_id, attribute, value, known_from_on) "
    "values ('asked', 'hight', '180', '2026-10-01')",
}


def test_the_check_of_times_finds_two_values_on_one_day(asked: Warehouse) -> None:
    """Intervals that run come from a view over files, so that the broken ones stand in a table in its place."""
    with asked.open() as connection:
        view = connection.execute(
            "select sql from duckdb_views() where schema_name = 'identity' and view_name = 'period'"
        )
        again = view.fetchall()[0][0]
        connection.execute("create table main.kept_period as from identity.period; drop view identity.period")
        connection.execute("create table identity.period as from main.kept_period")
        columns = "person_id, attribute, value, feed, valid_from_on, valid_to_on, known_from_on, known_to_on"
        was = "'asked', 'res_village_code', '310118103274', 'B01', date '2020-01-01'"
        for table, until in (("identity", "null"), ("subjects", "date '2026-10-31'")):
            place = f"{table}.{'period' if table == 'identity' else 'person_period'}"
            connection.execute(f"insert into {place} ({columns}) values ({was}, {until}, date '2026-10-31', null)")
    assert not asked.check("subjects_in_time")
    with asked.open() as connection:
        connection.execute(f"drop table identity.period; {again}")
        connection.execute("delete from subjects.person_period")
    assert asked.check("subjects_in_time")


REPEATED = {
    "person_conflict": "person_id, attribute, kept_feed, other_feed",
    "person_village": "person_id, village_code, role",
    "verification": "verification_id, village_code, kind",
}


@pytest.mark.parametrize("wrong", BROKEN.values(), ids=BROKEN)
def test_the_check_of_times_finds_what_is_broken(asked: Warehouse, wrong: str) -> None:
    assert_stopped(asked, "subjects_in_time", wrong)


@pytest.mark.parametrize("table", REPEATED)
def test_the_check_of_keys_finds_a_row_that_is_there_twice(asked: Warehouse, table: str) -> None:
    columns = REPEATED[table]
    again = f"insert into subjects.{table} ({columns}) select {columns} from subjects.{table} limit 1"
    assert_stopped(asked, "subjects_have_keys", again)


@pytest.mark.parametrize(
    "wrong",
    [
        "delete from subjects.person_village where person_id = 'found' and role = 'hukou'",
        "insert into subjects.person_village values ('asked', '310118103274', 'res')",
        "insert into subjects.person_conflict (person_id, attribute, other_feed) values ('nobody', 'name', 'F08')",
        "insert into subjects.person_conflict (person_id, attribute, other_feed) values ('asked', 'hight', 'F08')",
        "insert into subjects.person_conflict (person_id, attribute, kept_feed, other_feed) "
        "values ('asked', 'name', 'F08', 'F08')",
    ],
)
def test_the_check_of_relations_finds_what_is_broken(asked: Warehouse, wrong: str) -> None:
    assert_stopped(asked, "subjects_hang_together", wrong)


def assert_stopped(asked: Warehouse, test: str, wrong: str) -> None:
    """The dbt test does not pass once something is wrong (it did when all was built); the table is left as it was."""
    table = wrong.replace("delete from", "insert into").split("insert into subjects.")[1].split()[0]
    with asked.open() as connection:
        connection.execute(f"create or replace table main.kept as from subjects.{table}")
    try:
        with asked.open() as connection:
            connection.execute(wrong)
        assert not asked.check(test)
    finally:
        with asked.open() as connection:
            connection.execute(f"create or replace table subjects.{table} as from main.kept")
