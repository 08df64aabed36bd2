"""The gate refuses what carries too much, and says which column of which model for whom."""

from dataclasses import replace

import pytest

from pipelines.products import declarations, gate
from pipelines.products.declarations import AUTO, Attribute, Audience, Column, Declarations, Ledger
from pipelines.settings import REPOSITORY

DECLARED = declarations.load(REPOSITORY / "dbt_project")


def first_with(**changes: object) -> Declarations:
    """The declarations with the first ledger changed."""
    return replace(DECLARED, ledgers=(replace(DECLARED.ledgers[0], **changes), *DECLARED.ledgers[1:]))


def test_the_declared_ledgers_pass() -> None:
    gate.refuse(DECLARED)
    assert [x.code for x in DECLARED.ledgers] == ["L01", "L02", "L06", "L17", "L19", "L63"]


def test_a_restricted_column_is_refused_with_model_column_class_and_audience() -> None:
    extra = Column("is_mental", "精神残疾", AUTO, "boolean", ("disability_restricted.is_mental",))
    columns = (*DECLARED.ledgers[0].columns, extra)
    with pytest.raises(gate.GateError) as refused:
        gate.refuse(first_with(columns=columns))
    assert str(refused.value) == (
        "ledger_l01.yml: ledger_l01.is_mental: draws on disability_restricted.is_mental, class restricted, above what "
        "audience village may see (sensitive)"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"audience": "dashboard"},
            "ledger_l01.mobile: draws on person.mobile, a direct identifier, and audience dashboard",
        ),
        ({"audience": "dashboard"}, "ledger_l01.marital: draws on person.marital_code, class sensitive, above what"),
        ({"audience": "everybody"}, "no audience 'everybody' is declared; there are: analyst, dashboard, village"),
        ({"purpose": " "}, "ledger_l01: purpose is empty"),
        ({"legal_basis": ""}, "ledger_l01: legal_basis is empty"),
        ({"columns": (Column("x", "某", AUTO, "varchar"),)}, "does not say from which columns"),
        (
            {"columns": (Column("x", "某", AUTO, "varchar", ("person.faith",)),)},
            "person.faith, which the subjects do not",
        ),
    ],
)
def test_other_reasons(changes: dict[str, object], told: str) -> None:
    with pytest.raises(gate.GateError) as refused:
        gate.refuse(first_with(**changes))
    # A sentence holds five reasons; whoever mends the file can ask for all.
    assert any(told in reason for reason in refused.value.reasons)
    assert len(str(refused.value).splitlines()) <= gate.GateError.TOLD + 1


def test_being_on_a_list_tells_what_put_one_there() -> None:
    declared = first_with(selection=("T1", "T2", "T3"))
    only = replace(declared, ledgers=declared.ledgers[:1])
    with pytest.raises(gate.GateError) as refused:
        gate.refuse(only, {"T1": "sensitive", "T2": "restricted"})
    assert str(refused.value).splitlines() == [
        "ledger_l01.yml: ledger_l01: selects by tag T2, class restricted, "
        "above what audience village may see (sensitive)",
        "ledger_l01.yml: ledger_l01: selects by tag T3, which is not in the catalogue",
    ]


def test_a_column_that_draws_on_more_than_it_declares_is_found_in_the_sql() -> None:
    tables = {"person": {"person_id": "varchar", "name": "varchar", "mobile": "varchar"}}
    ledger = Ledger(**{**DECLARED.ledgers[0].__dict__, "columns": (
        Column("name", "姓名", AUTO, "varchar", ("person.name",)),
    )})  # fmt: skip
    honest = 'select p.name as name from "db"."subjects"."person" as p'
    sly = 'with q as (select coalesce(name, mobile) as name from "db"."subjects"."person") select name from q'
    assert gate.undeclared_sources(ledger, honest, tables) == []
    assert gate.undeclared_sources(ledger, sly, tables) == [
        "ledger_l01.name: draws on person.mobile, which it does not declare"
    ]


def test_audiences_and_classes_are_what_the_gate_compares() -> None:
    """A sensitive attribute is one class too high for an audience of internal matters."""
    declared = Declarations(
        ledgers=(replace(DECLARED.ledgers[0], audience="clerk", columns=DECLARED.ledgers[0].columns[:3]),),
        audiences={"clerk": Audience("clerk", "文员", "internal", False)},
        attributes={
            **DECLARED.attributes,
            "person_village.role": Attribute("person_village.role", "sensitive", False, ("B01",), "口径"),
        },
    )
    reasons = gate.reasons_against(declared.ledgers[0], declared)
    assert len(reasons) == 1 and "class sensitive, above what audience clerk may see (internal)" in reasons[0]
