"""Looking at one subject: what is open to whom, what is masked, former ids, past dates, and what is never told."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feeds.contracts import Contract
from pipelines.settings import REPOSITORY, Settings
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.linkage.persons import HISTORY, KEYS, MENTIONS
from pipelines.subjects.linkage.suspicion import SUSPICION
from pipelines.subjects.show import subject as show_module
from pipelines.subjects.show.access import HIDDEN, Access, AccessProblem, Asker, access, load, masked
from pipelines.subjects.show.looks import entries
from pipelines.subjects.show.registry import ShownColumn, registered
from pipelines.subjects.show.subject import Published, UnknownSubjectError, show
from pipelines.subjects.survivorship import layers
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.merge import CONFLICT_SCHEMA
from pipelines.subjects.survivorship.periods import SCHEMA as PERIOD
from pipelines.subjects.survivorship.step import CONFLICTS, PEOPLE, PERIODS, VERSIONS, person_schema

FIRST, LAST = date(2026, 10, 30), date(2026, 10, 31)
ID, OLD, MENTION, ALONE = "a" * 20, "b" * 20, "c" * 20, "d" * 20
HOME, HOUSEHOLD, VILLAGE = "e" * 20, "h" + "a" * 20, "310118001001"
NUMBER = "319901199003070000"
DECLARED = load(REPOSITORY / "data" / "access" / "looks.yml")
NOBODY, WORKER = Asker("王小明"), Asker("王小明", "village_worker", "serve")
ANALYST, AUDITOR = Asker("分析员", "analyst", "quality"), Asker("审计员", "auditor", "audit")


def frame(schema: Mapping[str, Any], *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, contracts: dict[str, Contract]) -> Settings:
    """A data root with identity of one date and nothing else."""
    settings = Settings(data=tmp_path_factory.mktemp("house"))
    rules = load_rules(settings, contracts)
    folder = settings.identity / LAST.isoformat()
    folder.mkdir(parents=True)
    people = person_schema(rules)
    version = {n: people[n] for n in ("person_id", *rules.merged)} | {"known_from_on": pl.Date, "known_to_on": pl.Date}
    now = {
        "person_id": ID, "known_by": "base", "known_from_on": LAST, "name": "欧阳小明", "name_source": "B01",
        "name_known_on": FIRST, "name_agreement": 3, "sex_code": "1", "sex_code_source": "F01", "marital_code": "20",
        "marital_code_source": "F07", "spouse_key": ALONE, "spouse_key_source": "F07",
        "mobile": "10012345678", "mobile_source": "B01",
        "res_address": "上海市青浦区徐泾镇徐民路9088弄6号501室", "res_address_source": "B01",
    }  # fmt: skip
    other = {
        "person_id": ALONE,
        "known_by": "feeds",
        "known_from_on": FIRST,
        "name": "JOHN SMITH",
        "name_source": "F03",
    }
    files = {
        linkage.KEY: frame(KEYS, *({"person_key": k, "person_id": p, "first_feed": "B01", "first_on": FIRST}
                                   for k, p in ((ID, ID), (OLD, ID), (ALONE, ALONE)))),
        linkage.MENTION: frame(MENTIONS, {"mention_id": MENTION, "person_id": OLD, "first_on": FIRST}),
        linkage.HISTORY_FILE: frame(HISTORY, {"on": LAST, "event": "merged", "person_id": ID, "other_id": OLD,
                                                "feed": "F16"}),
        linkage.SUSPICION: frame(SUSPICION),
    }  # fmt: skip
    for name, content in files.items():
        content.write_parquet(folder / name)
    tables = {
        PEOPLE: frame(people, now, other),
        VERSIONS: frame(version, {"person_id": ID, "name": "欧阳晓明", "sex_code": "1", "known_from_on": FIRST,
                                  "known_to_on": LAST}),
        CONFLICTS: frame(CONFLICT_SCHEMA, {"person_id": ID, "attribute": "name", "kept_feed": "B01",
                         "kept_value": "欧阳小明", "other_feed": "F08", "other_value": "欧阳小朋"}),
        PERIODS: frame(PERIOD, {"person_id": ID, "attribute": "res_address", "value": "青浦区华新镇华新路9012弄1号",
                                "feed": "B01", "valid_from_on": FIRST, "known_from_on": FIRST}),
    }  # fmt: skip
    for name, rows in tables.items():
        layers.write(rows, folder, name)
    return settings


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A published database of a person, the household and home, the village, and a table that tells something."""
    path = tmp_path_factory.mktemp("release") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema subjects;
            create table subjects.person as select '{ID}' as person_id, '1' as sex_code, 46 as age,
                '{HOUSEHOLD}' as household_id, '{HOME}' as res_dwelling_id, '{VILLAGE}' as res_village_code;
            create table subjects.household as select '{HOUSEHOLD}' as household_id, '{HOME}' as dwelling_id,
                '{VILLAGE}' as village_code, 1 as size, true as is_single_parent;
            create table subjects.dwelling as select '{HOME}' as dwelling_id, '{VILLAGE}' as village_code,
                6 as floor_no;
            create table subjects.village as select '{VILLAGE}' as village_code, '东盛社区居委会' as name;
            create table subjects.place as select 'CS1' as place_id, '企业' as kind;
            create table subjects.former_id as select 'place' as subject, 'CS2' as former_id, 'CS1' as subject_id;
            create table subjects.disability as select '{ID}' as person_id, '3' as kind_code;
            create table subjects.person_village as select '{ID}' as person_id, '{VILLAGE}' as village_code;
        """)
    return Published(path, LAST)


@pytest.fixture
def look(house: Settings, published: Published, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Looks at a subject. Of the lake there is one row of B02."""
    monkeypatch.setattr(show_module, "judged", lambda *_: [])
    home = f"select '{HOME}' as dwelling_id, '徐泾镇徐民路9088弄6号501室' as std_address, 121.1 as lon, 31.1 as lat"
    place = "null as place_id, null as address"
    order = "date '2026-10-31' as _business_on, '001' as _delivery, 'f' as _file, 1 as _line"
    monkeypatch.setattr(show_module, "view_sql", lambda *_: f"{home}, {place}, {order}")

    def shown(asked: str, asks: Asker = NOBODY, as_of: date | None = None, there: bool = True) -> dict[str, Any]:
        return show(house, contracts, published if there else None, asked, asks, DECLARED, as_of)

    return shown


def values(body: dict[str, Any]) -> dict[str, Any]:
    return {a["attribute"]: a["value"] for a in body["attributes"]}


def test_without_role_and_purpose_names_are_masked_and_sensitive_values_hidden(look: Any) -> None:
    body = look(ID)
    found = values(body)
    assert found["name"] == "欧**明" and found["mobile"] == "100****5678"
    assert found["res_address"] == "上海市青浦区徐泾镇徐民路9088弄***"
    assert found["marital_code"] == HIDDEN and found["sex_code"] == "1" and found["age"] == 46
    assert body["conflicts"][0]["kept_value"] == "欧**明" and body["conflicts"][0]["other_value"] == "欧**朋"
    assert body["periods"][0]["value"] == "青浦区华新镇华新路9012弄***"
    assert {r["table"]: r["rows"] for r in body["rows"]}["disability"] == HIDDEN
    # Which feed names somebody tells what the feed is about; how many agree does not.
    name = next(a for a in body["attributes"] if a["attribute"] == "name")
    assert (name["source"], name["known_on"], name["agreement"]) == (HIDDEN, HIDDEN, 3)
    assert {body["conflicts"][0][word] for word in ("kept_feed", "other_feed")} == {HIDDEN}
    assert body["periods"][0]["feed"] == HIDDEN
    assert {event["feed"] for event in body["history"]} == {HIDDEN}
    assert "小明" not in str({k: v for k, v in body.items() if k != "access"}) and "501室" not in str(body)


def test_a_role_with_its_purpose_sees_all_but_restricted(look: Any) -> None:
    body = look(ID, WORKER)
    found = values(body)
    assert found["name"] == "欧阳小明" and found["marital_code"] == "20" and found["mobile"] == "10012345678"
    assert {r["table"]: r["rows"] for r in body["rows"]} == {"disability": 1, "person_village": 1}
    # Under the name the registry gives it, so that its class is known.
    assert found["spouse_id"] == ALONE and "spouse_key" not in found
    assert values(look(ID))["spouse_id"] == HIDDEN
    attribute = next(a for a in body["attributes"] if a["attribute"] == "name")
    assert (attribute["source"], attribute["known_on"], attribute["agreement"]) == ("B01", FIRST, 3)
    assert (body["conflicts"][0]["kept_feed"], body["conflicts"][0]["other_feed"]) == ("B01", "F08")
    assert body["periods"][0]["feed"] == "B01"
    # That some feeds name somebody is told nobody.
    assert [event["feed"] for event in body["history"]] == ["B01", HIDDEN]
    assert body["links"] == [
        {"to": "dwelling", "via": "res_dwelling_id", "id": HOME, "name": None},
        {"to": "household", "via": "household_id", "id": HOUSEHOLD, "name": None},
        {"to": "village", "via": "res_village_code", "id": VILLAGE, "name": "东盛社区居委会"},
    ]


def test_an_analyst_sees_what_is_sensitive_and_no_names(look: Any) -> None:
    found = values(look(ID, ANALYST))
    assert found["marital_code"] == "20" and found["name"] == "欧**明"
    assert values(look(ID, AUDITOR))["marital_code"] == HIDDEN


@pytest.mark.parametrize("asked", [OLD, MENTION, f"  {OLD} "])
def test_a_former_id_leads_to_the_person_and_says_so(look: Any, asked: str) -> None:
    body = look(asked)
    assert (body["id"], body["asked"]) == (ID, asked.strip())
    assert OLD in body["former_ids"] and [e["event"] for e in body["history"]] == ["created", "merged"]


def test_an_earlier_date_gives_what_was_known_then(look: Any) -> None:
    body = look(ID, WORKER, FIRST)
    assert values(body) == {"name": "欧阳晓明", "sex_code": "1"} and body["known_on"] == FIRST
    assert body["links"] == [] and [e["event"] for e in body["history"]] == ["created"]
    with pytest.raises(UnknownSubjectError, match="as of 2026-10-01"):
        look(ID, WORKER, date(2026, 10, 1))


def test_a_person_nobody_published_is_shown_from_identity(look: Any) -> None:
    assert values(look(ALONE, WORKER))["name"] == "JOHN SMITH"
    assert values(look(ALONE))["name"] == "****"
    assert values(look(ID, WORKER, there=False))["name"] == "欧阳小明"


def test_a_dwelling_gets_its_address_from_the_lake(look: Any) -> None:
    assert values(look(HOME, WORKER))["std_address"] == "徐泾镇徐民路9088弄6号501室"
    closed = values(look(HOME))
    assert closed["std_address"] == "徐泾镇徐民路9088弄***" and closed["lon"] == "****" and closed["floor_no"] == 6
    assert {r["table"]: r["ids"] for r in look(HOME)["rows"]}["person"] == [ID]


def test_a_household_and_a_village_are_shown(look: Any) -> None:
    assert values(look(HOUSEHOLD))["is_single_parent"] == HIDDEN
    assert look(HOUSEHOLD)["links"][-1]["name"] == "东盛社区居委会"
    assert look(VILLAGE)["subject"] == "village"


def test_a_second_number_of_a_place_leads_to_it(look: Any) -> None:
    body = look("CS2")
    assert (body["subject"], body["id"], body["asked"], body["former_ids"]) == ("place", "CS1", "CS2", ["CS2"])
    assert look("CS1")["former_ids"] == ["CS2"]


@pytest.mark.parametrize(
    ("asked", "words", "logged"),
    [
        ("z" * 20, "a person (20 small letters and digits) or a dwelling", "z" * 20),
        ("310118999999", "a village (12 digits)", "310118999999"),
        (NUMBER, "shape of an identity number", "(no id)"),
        (NUMBER[:17] + "x", "shape of an identity number", "(no id)"),
        (NUMBER[2:17], "shape of an identity number", "(no id)"),
        ("欧阳小明", "the shape of no id", "(no id)"),
        ("", "the shape of no id", "(no id)"),
        ("'; drop table subjects.person; --", "the shape of no id", "(no id)"),
        ("x" * 10_000, "the shape of no id", "(no id)"),
    ],
)
def test_an_unknown_id_gets_help_and_is_not_repeated(
    look: Any, house: Settings, asked: str, words: str, logged: str
) -> None:
    with pytest.raises(UnknownSubjectError) as refused:
        look(asked)
    assert words in str(refused.value)
    assert not asked or asked not in str(refused.value)
    entry = entries(house)[-1]
    assert (entry["outcome"], entry["subject"], entry["subject_id"]) == ("unknown", "", logged)


def test_every_look_is_logged_with_the_columns_that_were_open(look: Any, house: Settings) -> None:
    before = len(entries(house))
    look(ID)
    look(ID, WORKER)
    with pytest.raises(AccessProblem):
        look(ID, Asker("王小明", "auditor", "serve"))
    with pytest.raises(AccessProblem):
        look(ID, Asker(NUMBER, NUMBER, NUMBER))
    closed, opened, refused, strange = entries(house)[before:]
    assert "name" not in closed["columns"] and "marital_code" not in closed["columns"] and "age" in closed["columns"]
    assert {"name", "marital_code", "res_address"} <= set(opened["columns"])
    assert (opened["who"], opened["role"], opened["purpose"], opened["subject_id"]) == (
        "王小明",
        "village_worker",
        "serve",
        ID,
    )
    assert (refused["outcome"], refused["columns"]) == ("refused", [])
    assert NUMBER not in str(strange) and strange["who"] == "(no name)"


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        (Asker("w", "village_worker"), "give both"),
        (Asker("w", None, "serve"), "give both"),
        (Asker("w", "mayor", "serve"), "there is no such role"),
        (Asker("w", "auditor", "curiosity"), "there is no such purpose"),
        (Asker("w", "analyst", "serve"), "is not for role analyst"),
        (Asker(" "), "say who looks"),
        (Asker("x" * 100), "say who looks"),
        (Asker(NUMBER), "say who looks"),
        (Asker("a\nb"), "say who looks"),
    ],
)
def test_roles_and_purposes_must_go_together(asks: Asker, words: str) -> None:
    with pytest.raises(AccessProblem, match=words):
        access(DECLARED, asks)


def test_no_pair_opens_more_than_its_role_or_its_purpose() -> None:
    order = ("public", "internal", "sensitive")
    for code, purpose in DECLARED.purposes.items():
        for role in purpose.roles:
            given_ = access(DECLARED, Asker("w", role, code))
            who = DECLARED.roles[role]
            assert order.index(given_.max_class) == min(order.index(who.max_class), order.index(purpose.max_class))
            assert given_.may_identify == (who.may_identify and purpose.may_identify)


def test_nobody_sees_what_is_restricted_and_what_is_not_registered_counts_as_somebodys_name() -> None:
    most = Access("sensitive", may_identify=True)
    assert most.of(ShownColumn("x", "x", "restricted", direct=False)) == "hidden"
    assert most.of(ShownColumn("x", "x", "restricted", direct=True)) == "hidden"
    assert Access().of(ShownColumn("unheard_of", "x")) == "masked"


def test_a_wrong_declaration_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "looks.yml"
    purpose = "{label: a, legal_basis: b, roles: [x], max_class: public, may_identify: false}"
    restricted = "{label: a, max_class: restricted, may_identify: true}"
    for text in (
        "roles: {}",
        f"roles: {{}}\npurposes: {{p: {purpose}}}",
        f"roles: {{r: {restricted}}}\npurposes: {{}}",
    ):
        wrong.write_text(text, encoding="utf-8")
        with pytest.raises(AccessProblem, match="looks.yml"):
            load(wrong)


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("王伟", "王*"),
        ("欧阳小明", "欧**明"),
        ("", "****"),
        ("JOHN SMITH", "****"),
        ("10012345678", "100****5678"),
        ("59720000", "****"),
        ("青浦区练塘镇东庄村3组12号", "青浦区练塘镇东庄村3组***"),
        ("安徽省宿州市灵璧县9012号", "安徽省宿州市灵璧县***"),
        ("青浦区公园路12号", "青浦区公园路***"),
        (121.121255, "****"),
        (None, None),
    ],
)
def test_masks(value: object, mask: str | None) -> None:
    assert masked(value) == mask


@given(st.text(alphabet="王李张欧阳小明路弄号室村组0123456789X ", min_size=3, max_size=40))
def test_a_mask_never_gives_the_value(text: str) -> None:
    told = masked(text)
    assert told is not None and "*" in told and text not in told
    # Digits behind the lane, group or road are gone.
    assert not text[-1].isdigit() or told.endswith(("***", text[-4:]))


def test_every_registered_subject_can_be_asked_for() -> None:
    tables = registered(REPOSITORY / "dbt_project" / "models" / "subjects")
    subjects = {t.subject for t in tables.values() if t.subject}
    assert {"person", "household", "dwelling", "village", "organisation", "place", "component", "estate"} <= subjects
    assert {known.kind for known in DECLARED.ids} == subjects
    assert all(t.key in t.columns for t in tables.values() if t.subject)
