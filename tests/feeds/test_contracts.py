import json
from importlib.resources import files

import jsonschema
import pytest
import yaml

from pipelines.feeds.codes import spellings
from pipelines.feeds.contracts import ContractProblem, load_contracts, read_all
from pipelines.feeds.fields import DIRECT_ROLES
from pipelines.settings import Settings
from tests.feeds.making import column, document, make_contract, rule, write_contract

SETTINGS = Settings()
FILES = sorted(SETTINGS.contracts.glob("*.yaml"))
CSV = {"format": "delimited", "files": "f.csv"}
# Columns that say what nobody needs to know to serve people (民族, 信仰, 政治面貌, 兵役, 血型, 身高, 重点人员).
NEVER_KEPT = {"MZDM", "ZJXYDM", "ZZMM", "BYZKDM", "SG", "XXDM", "IS_ZDRY", "民族"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_contract_follows_the_open_standard(path):
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    jsonschema.Draft201909Validator(schema).validate(yaml.safe_load(path.read_text("utf-8")))


def test_every_code_table_named_exists(contracts):
    for contract in contracts.values():
        for of in contract.columns:
            if of.intake.codes:
                assert spellings(of.intake.codes, SETTINGS.reference), f"{contract.feed}.{of.name}"


def test_what_names_or_finds_a_person_is_never_public(contracts):
    for contract in contracts.values():
        for of in contract.columns:
            if of.intake.role in DIRECT_ROLES:
                assert of.classification in ("sensitive", "restricted"), f"{contract.feed}.{of.name}"


def test_what_nobody_needs_is_left_at_the_door(contracts):
    for contract in contracts.values():
        for of in contract.columns:
            if of.physical in NEVER_KEPT:
                assert of.intake.role == "drop" and not of.outputs, f"{contract.feed}.{of.physical}"


def test_every_contract_says_why_and_by_what_right(contracts):
    for contract in contracts.values():
        assert len(contract.purpose) > 30 and len(contract.legal_basis) > 5 and contract.department


def test_every_number_of_a_person_belongs_to_a_slot_whose_columns_are_in_the_lake(contracts):
    declared = 0
    for contract in contracts.values():
        numbers = [of.name for of in contract.columns if of.intake.role == "identity"]
        assert sorted(numbers) == sorted(slot.id for slot in contract.people if slot.id)
        for slot in contract.people:
            assert set(slot.columns.values()) <= set(contract.outputs), f"{contract.feed}.{slot.slot}"
            declared += 1
    assert declared > 40


def slotted(*slots):
    columns = [
        column("who", "W", role="identity"),
        column("name", "N", role="name", classification="sensitive"),
        column("born", "B"),
        column("remark", "R", role="drop"),
    ]
    content = document("T01", columns, CSV)
    content["schema"][0]["customProperties"][0]["value"] = list(slots)
    return content


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ([], "identity column who must be the id of exactly one slot"),
        ([{"slot": "a", "id": "who"}, {"slot": "b", "id": "who"}], "exactly one slot"),
        ([{"slot": "a", "id": "who"}, {"slot": "a", "name": "name"}], "slot a is declared twice"),
        ([{"slot": "a", "id": "name"}], "role identity"),
        ([{"slot": "a", "id": "who", "name": "nmae"}], "a.name names no column: nmae"),
        ([{"slot": "a", "id": "who", "mobile": "name"}], "role phone"),
        ([{"slot": "a", "id": "who", "birth_on": "born"}], "must be a date"),
        ([{"slot": "a", "id": "who", "village": "remark"}], "stays at the door"),
        ([{"slot": "a", "id": "who", "guardian": "name"}], "role identity"),
        ([{"slot": "a", "id": "who", "colour": "born"}], "colour"),
    ],
)
def test_slots_that_name_no_person_are_refused_with_their_reason(tmp_path, slots, said):
    write_contract(tmp_path, slotted(*slots))
    with pytest.raises(ContractProblem, match=said):
        load_contracts(tmp_path)


def test_a_slot_tells_what_is_known_of_the_person_and_where(tmp_path):
    write_contract(tmp_path, slotted({"slot": "a", "id": "who", "name": "name"}))
    (slot,) = load_contracts(tmp_path)["T01"].people
    assert (slot.slot, slot.id, slot.columns) == ("a", "who", {"name": "name"})


def of_numbers(**options):
    return [column("who", "W", role="identity", **options), column("other", "W", role="identity", instead_of="who")]


@pytest.mark.parametrize(
    ("columns", "rules", "said"),
    [
        ([column("a", "A", on_invalid="link")], [], "on_invalid: link is for identity columns"),
        (of_numbers(), [], "instead_of names no identity column"),
        (of_numbers(), [rule("r", "who", "who_id is null", "link")], "severity link needs an identity column"),
        ([column("who", "W", role="identity", qualified_by={"passport": ["nation"]})], [], "no lake column: nation"),
        ([column("who", "W", role="identity", qualified_by={"passport": []})], [], "needs the part kind"),
    ],
)
def test_declarations_on_numbers_that_cannot_hold_are_refused(tmp_path, columns, rules, said):
    write_contract(tmp_path, document("T01", columns, CSV, *rules))
    with pytest.raises(ContractProblem, match=said):
        load_contracts(tmp_path)


def test_what_a_number_leaves_behind_is_no_more_open_than_the_number(tmp_path):
    columns = [column("who", "W", role="identity", on_invalid="link", classification="sensitive")]
    contract = make_contract(tmp_path, columns, CSV)
    classes = {name: contract.output_class(name) for name in contract.outputs}
    assert classes == {
        "who_id": "internal",
        "who_candidates": "internal",
        "who_stated_birth_on": "sensitive",
        "who_mask_key": "internal",
    }
    restricted = [column("who", "W", role="identity", on_invalid="link", classification="restricted")]
    contract = make_contract(tmp_path, restricted, CSV)
    assert {contract.output_class(name) for name in contract.outputs} == {"restricted"}


def test_every_column_is_named_in_chinese(contracts):
    """Messages to departments and the catalogue speak of columns by these names."""
    unnamed = [f"{c.feed}.{of.name}" for c in contracts.values() for of in c.columns if of.label.isascii()]
    assert unnamed == []


def test_fixed_width_columns_fill_their_record_without_gap_or_overlap(contracts):
    for contract in contracts.values():
        if contract.delivery.format == "fixed_width":
            spans = sorted({(c.intake.first_byte, c.intake.bytes) for c in contract.read_columns})
            assert spans[0][0] == 1 and sum(spans[-1]) - 1 == contract.delivery.record_bytes
            assert all(a + width == b for (a, width), (b, _) in zip(spans, spans[1:], strict=False))


def test_a_pseudonym_is_internal_and_everything_else_keeps_its_class(contracts):
    person = contracts["B01"]
    assert person.output_class("person_id") == "internal"
    assert person.output_class("person_cert_masked") == "sensitive"
    assert contracts["F08"].output_class("kind_code") == "restricted"


@pytest.mark.parametrize(
    ("columns", "delivery", "rules", "said"),
    [
        ([column("a", "A"), column("a", "B")], CSV, [], "declared twice"),
        ([column("a", "A", role="key")], CSV, [], "domain"),
        ([column("a", "A", role="secret")], CSV, [], "role"),
        ([column("a", "A", colour="red")], CSV, [], "colour"),
        ([column("a", "A")], {**CSV, "delimeter": ";"}, [], "delimeter"),
        ([column("a", "A", role="identity", declared_by="b")], CSV, [], "declared_by"),
        ([column("a", "A")], {"format": "fixed_width", "files": "f", "record_bytes": 3}, [], "first_byte"),
        ([column("a", "A")], {"format": "sqlite", "files": "f"}, [], "table"),
        ([column("a", "A")], {"format": "workbook", "files": "f"}, [], "sheets"),
        ([column("a", "A")], {**CSV, "load": "increment"}, [], "increment needs a key"),
        ([column("a", "A")], {**CSV, "latest_by": "b"}, [], "latest_by"),
        ([column("amount", "A")], CSV, [rule("r", "amount", "amuont > 0")], "did you mean amount"),
        ([column("a", "A")], CSV, [rule("r", "b", "a = 'x'")], "no column b"),
        ([column("a", "A")], CSV, [rule("r", "a", "read_text('x') = a")], "not allowed"),
        ([column("a", "A"), column("b", "B", "boolean", transformLogic="a = c")], CSV, [], "no column c"),
    ],
)
def test_a_contract_that_cannot_hold_is_refused_with_its_reason(tmp_path, columns, delivery, rules, said):
    write_contract(tmp_path, document("T01", columns, delivery, *rules))
    with pytest.raises(ContractProblem, match=said) as caught:
        load_contracts(tmp_path)
    assert "T01.yaml" in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    write_contract(tmp_path, document("T01", [column("a", "A", role="key")], CSV))
    write_contract(tmp_path, document("T02", [column("a", "A", role="nobody")], CSV))
    write_contract(tmp_path, document("T03", [column("a", "A")], CSV)).rename(tmp_path / "T04.yaml")
    with pytest.raises(ContractProblem) as caught:
        load_contracts(tmp_path)
    assert all(name in str(caught.value) for name in ("T01.yaml", "T02.yaml", "T04.yaml"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda schema: schema["properties"][1].pop("businessName"), "T01.yaml:41: column b: missing 'businessName'"),
        (lambda schema: schema["properties"][1].update(logicalType="day"), "T01.yaml:41: column b: logical_type: "),
        (lambda schema: schema["properties"][1].pop("name"), "T01.yaml:41: column 2: missing 'name'"),
        (lambda schema: schema["quality"][0].pop("severity"), "T01.yaml:48: rule later: missing 'severity'"),
        (
            lambda schema: schema["quality"][0].update(implementation="bb > a"),
            "T01.yaml:48: rule later: there is no column",
        ),
    ],
)
def test_what_is_wrong_with_a_column_or_a_rule_is_told_with_its_name(tmp_path, spoil, said):
    content = document("T01", [column("a", "A"), column("b", "B")], CSV, rule("later", "b", "b > a"))
    spoil(content["schema"][0])
    write_contract(tmp_path, content)
    with pytest.raises(ContractProblem) as caught:
        load_contracts(tmp_path)
    assert str(caught.value).startswith(said)


def test_every_fault_of_a_new_feed_is_told_with_its_line(tmp_path, monkeypatch):
    """Faults of every kind in one file, as somebody writes a first contract; none hides another."""
    columns = [column("a", "A"), column("b", "B"), column("c", "C", role="nobody"), column("d", "D")]
    content = document("T01", columns, {**CSV, "delimeter": ";"}, rule("r", "a", "amuont > 0"), rule("s", "c", "c > 1"))
    content["customProperties"][0]["property"] = "legalBases"
    content["customProperties"][1]["value"] = "secret"
    del content["slaProperties"], content["team"]["name"]
    listed = content["schema"][0]["properties"]
    listed[0]["requred"] = True
    listed[1]["logicalType"] = "day"
    listed[3]["customProperties"] = [{"property": "intke", "value": {}}]
    del content["schema"][0]["quality"][0]["severity"]
    path = write_contract(tmp_path, content)
    lines = path.read_text("utf-8").splitlines()
    contracts, faults = read_all(tmp_path)
    assert not contracts and {fault.file for fault in faults} == {"T01.yaml"}
    found = {fault.message: lines[fault.line - 1].strip() for fault in faults}
    for said, at in {
        "nobody reads a custom property 'legalBases'; did you mean legalBasis?": "- property: legalBases",
        "missing 'legalBasis'": "customProperties:",
        "classification: Input should be": "customProperties:",
        "slaProperties: has no frequency": "apiVersion: v3.1.0",
        "team: missing 'name'": "team: {}",
        "delivery: delimeter: unknown key; did you mean delimiter": "delimeter: ;",
        "nobody reads the key 'requred'; did you mean required?": "requred: true",
        "column b: logical_type: Input should be": "- name: b",
        "column c: role: Input should be": "- name: c",
        "nobody reads a custom property 'intke'": "- property: intke",
        "rule r: missing 'severity'": "- name: r",
    }.items():
        told = [line for message, line in found.items() if message.startswith(said)]
        assert told and (at in told), (said, found)
    assert len(faults) == 11, "what is wrong already is not told again as missing elsewhere"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.update(schema=[]),
        lambda content: content.update(schema="people"),
        lambda content: content.update(customProperties={"delivery": 1}),
        lambda content: content.update(customProperties=None),
        lambda content: content.update(team=["a"]),
        lambda content: content.update(id=None),
        lambda content: content.update(id=["T01"]),
        lambda content: content["schema"][0].update(properties=None),
        lambda content: content["schema"][0].update(properties=["a", 1]),
        lambda content: content["schema"][0].update(properties={"a": {}}),
        lambda content: content["schema"][0].update(quality="none"),
        lambda content: content["schema"][0].update(quality=[1]),
        lambda content: content["schema"][0].update(customProperties=[1]),
        lambda content: content["schema"][0]["properties"][0].update(customProperties={"intake": 1}),
        lambda content: content["schema"][0]["properties"][0].update(name=["a"]),
        lambda content: content["schema"][0]["properties"][0].update(primaryKey=True, primaryKeyPosition="first"),
        lambda content: content.update(slaProperties=[{"property": "frequency", "value": "x", "unit": "day"}]),
        lambda content: content.update(slaProperties=[{"property": "frequency", "value": 1, "unit": "moon"}]),
        lambda content: content.update(slaProperties=7),
    ],
)
def test_a_file_of_any_other_shape_is_a_fault_and_no_defect(tmp_path, spoil):
    content = document("T01", [column("a", "A"), column("b", "B")], CSV, rule("later", "b", "b > a"))
    spoil(content)
    (tmp_path / "T01.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    contracts, faults = read_all(tmp_path)
    assert not contracts and faults and all(fault.line >= 1 and fault.message for fault in faults)


@pytest.mark.parametrize("text", ["", "7", "[]", "a: [", "id: T01", "\x00", "a: 1\na: 2"])
def test_a_file_that_is_no_contract_is_told(tmp_path, text):
    (tmp_path / "T01.yaml").write_text(text, "utf-8")
    contracts, faults = read_all(tmp_path)
    assert not contracts and [fault.file for fault in faults][0] == "T01.yaml"


def test_a_refusal_tells_the_first_faults_and_where_all_are(tmp_path):
    for n in range(20):
        write_contract(tmp_path, document(f"T{n:02}", [column("a", "A", role="nobody")], CSV))
    with pytest.raises(ContractProblem) as caught:
        load_contracts(tmp_path)
    assert len(caught.value.faults) == 20 and len(str(caught.value).splitlines()) == ContractProblem.TOLD + 1
    assert "12 more: `xfy feeds check-contracts` tells all" in str(caught.value)


def test_a_change_of_the_profile_changes_every_contract_s_hash(tmp_path):
    write_contract(tmp_path, document("T01", [column("a", "A")], CSV))
    before = load_contracts(tmp_path)["T01"]
    (tmp_path / "profile.yml").write_text("synthetic_areas: true\n")
    after = load_contracts(tmp_path)["T01"]
    assert not before.synthetic_areas and after.synthetic_areas and before.sha256 != after.sha256


def test_two_columns_may_read_one_raw_column(tmp_path):
    contract = make_contract(tmp_path, [column("code", "A"), column("word", "A")], CSV)
    assert contract.physicals == ("A",) and list(contract.outputs) == ["code", "word"]
