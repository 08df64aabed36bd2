"""Rules that stand in more than one language, and declarations that must not contradict each other."""

from datetime import date

import duckdb
import jinja2
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identifiers import age_on, age_sql
from pipelines.settings import REPOSITORY, Settings
from pipelines.subjects.survivorship.checks import load_rules

DBT = REPOSITORY / "dbt_project"
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
_connection = duckdb.connect()


def macro(name: str, *arguments: str) -> str:
    """A macro without references, expanded."""
    for path in sorted((DBT / "macros").glob("*.sql")):
        if f"macro {name}(" in path.read_text(encoding="utf-8"):
            module = jinja2.Environment().from_string(path.read_text(encoding="utf-8")).module
            return str(getattr(module, name)(*arguments)).strip()
    raise AssertionError(f"no macro {name}")


def test_sql_and_python_have_one_rule_of_age() -> None:
    assert macro("age_on", "p.birth_on", "c.as_of") == age_sql("p.birth_on", "c.as_of")


@given(DAYS, DAYS)
def test_the_macro_gives_the_age_that_python_gives(birth: date, as_of: date) -> None:
    text = macro("age_on", "b", "a")
    row = _connection.execute(f"select {text} from (select ?::date as b, ?::date as a)", [birth, as_of]).fetchall()
    assert row == [(age_on(birth, as_of),)]


def test_relation_codes_tell_generations() -> None:
    text = macro("generation_of", f"({macro('relation_class', 'code')})")
    codes = {"00": 0, "02": 0, "12": 0, "73": 0, "28": -1, "38": -1, "21": -1, "45": -2, "44": -2, "47": -3, "51": 1,
             "56": 1, "63": 2, "97": None, "99": None}  # fmt: skip
    found = {
        code: _connection.execute(f"select {text} from (select ? as code)", [code]).fetchall()[0][0] for code in codes
    }
    assert found == codes


def test_the_declared_sources_are_those_of_the_registry_and_no_more(contracts) -> None:
    """person_source tells of every merged attribute its feeds, and of the followed ones their time."""
    rules = load_rules(Settings(), contracts)
    registry = yaml.safe_load((DBT / "models/subjects/person_source.yml").read_text(encoding="utf-8"))
    columns = {c["name"]: set(c["config"]["meta"]["feeds"]) for c in registry["models"][0]["columns"]}
    columns.pop("person_id"), columns.pop("known_from_on")
    declared: dict[str, set[str]] = {}
    for group in rules.groups:
        for attribute in set(group.attributes) - {"cert_birth_on", "cert_sex_code"}:
            claims = {feed: rules.speaker(feed, group) for feed in group.feeds}
            feeds = {feed for feed, claim in claims.items() if claim and attribute in claim.names}
            endings = ["", "_known_on", "_agreement"]
            endings += ["_from_on", "_learnt_on"] if attribute in rules.tracked else []
            name = "spouse_id" if attribute == "spouse_key" else attribute
            declared |= {name + ending: feeds for ending in endings}
    assert columns == declared


def test_what_is_direct_is_direct_in_both_declarations_and_in_no_version(contracts) -> None:
    rules = load_rules(Settings(), contracts)
    models = {
        name: {c["name"]: c["config"]["meta"] for c in yaml.safe_load(path.read_text("utf-8"))["models"][0]["columns"]}
        for name in ("person", "person_version")
        for path in [DBT / f"models/subjects/{name}.yml"]
    }
    direct = {name for name, meta in models["person"].items() if meta.get("direct")}
    assert direct == {name for name, attribute in rules.attributes.items() if attribute.direct}
    assert not direct & set(models["person_version"])
    merged = {"spouse_id" if name == "spouse_key" else name for name in rules.merged}
    kept = merged - direct - {"cert_birth_on", "cert_sex_code"}
    assert set(models["person_version"]) == kept | {"person_id", "known_from_on", "known_to_on"}


def test_every_registered_column_has_a_class_a_label_and_words() -> None:
    for path in sorted((DBT / "models/subjects").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            assert model["description"].strip() and model["config"]["meta"]["label"], model["name"]
            assert (DBT / "models/subjects" / f"{model['name']}.sql").exists(), model["name"]
            for column in model["columns"]:
                meta = column["config"]["meta"]
                assert meta["class"] in ("public", "internal", "sensitive", "restricted"), column["name"]
                assert meta["label"] and column["description"] and column["data_type"], column["name"]
                assert not meta.get("direct") or meta["class"] == "sensitive", column["name"]
