"""The ledger gate: a product that carries more than its audience or purpose allows is refused.

What a column carries is not what it says of itself but what the columns it draws on are registered as. Which columns
it really draws on is read from the compiled SQL where that is at hand (`lineage`).
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage as column_lineage

from pipelines.products.declarations import AUTO, CLASSES, KEY, PENDING, VILLAGE, Column, Declarations, Ledger
from pipelines.refusal import Refusal


class GateError(Refusal):
    """One or more ledgers may not be made; the message has one line a reason, `TOLD` of them at most."""

    TOLD = 5

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        rest = len(self.reasons) - self.TOLD
        more = [f"… and {rest} more like these; mend the first file and run again"] if rest > 0 else []
        super().__init__("\n".join([*self.reasons[: self.TOLD], *more]))


def refuse(declarations: Declarations, tag_classes: Mapping[str, str] | None = None) -> None:
    """Raises GateError with every reason there is; says nothing when there is none.

    `tag_classes` gives the sensitivity of each tag by code. Where it is given, the tags that select a ledger's rows are
    held to the audience's class as well: who is on the list is told by being on it.
    """
    reasons = [
        reason for ledger in declarations.ledgers for reason in reasons_against(ledger, declarations, tag_classes)
    ]
    if reasons:
        raise GateError(reasons)


def reasons_against(
    ledger: Ledger, declarations: Declarations, tag_classes: Mapping[str, str] | None = None
) -> list[str]:
    """Why this ledger must not be made, one line a reason; empty if it may."""
    where = f"{ledger.file.name}: {ledger.model}"
    audience = declarations.audiences.get(ledger.audience)
    if audience is None:
        known = ", ".join(sorted(declarations.audiences))
        return [f"{where}: no audience {ledger.audience!r} is declared; there are: {known}"]
    found = [f"{where}: {word} is empty" for word in ("purpose", "legal_basis") if not getattr(ledger, word).strip()]
    limit = CLASSES.index(audience.max_class)
    for column in ledger.columns:
        found += _against_column(where, column, declarations, limit, audience.name, audience.may_identify)
    for code in ledger.selection if tag_classes is not None else ():
        carried = (tag_classes or {}).get(code)
        if carried is None:
            found.append(f"{where}: selects by tag {code}, which is not in the catalogue")
        elif CLASSES.index(carried) > limit:
            found.append(
                f"{where}: selects by tag {code}, class {carried}, above what audience {audience.name} may see "
                f"({audience.max_class})"
            )
    return found


def _against_column(
    where: str, column: Column, declarations: Declarations, limit: int, audience: str, may_identify: bool
) -> Iterable[str]:
    if column.role == AUTO and not column.sources:
        yield f"{where}.{column.name}: is filled automatically but does not say from which columns"
    if column.role == PENDING and not column.feeds:
        yield f"{where}.{column.name}: waits for a feed but does not say for which"
    for source in column.sources:
        attribute = declarations.attributes.get(source)
        if attribute is None:
            yield f"{where}.{column.name}: draws on {source}, which the subjects do not register"
            continue
        if CLASSES.index(attribute.sensitivity) > limit:
            yield (
                f"{where}.{column.name}: draws on {source}, class {attribute.sensitivity}, above what audience "
                f"{audience} may see ({CLASSES[limit]})"
            )
        if attribute.is_direct and not may_identify:
            yield f"{where}.{column.name}: draws on {source}, a direct identifier, and audience {audience} may see none"


def undeclared_sources(
    ledger: Ledger, compiled: str, tables: Mapping[str, Mapping[str, str]], translators: Iterable[str] = ("code",)
) -> list[str]:
    """Where the compiled SQL draws on registered columns that the declaration does not name, one line a column.

    `tables` gives the columns of each table the SQL reads: {table: {column: type}}. A table in `translators` only turns
    a code into words, so the column it is joined by counts instead of its own.
    """
    query = sqlglot.parse_one(compiled, dialect="duckdb")
    for table in query.find_all(exp.Table):
        table.set("catalog", None)
        table.set("db", None)
    words = _translated(list(query.find_all(exp.Table)), list(query.find_all(exp.Join)), set(translators))
    found = []
    for column in ledger.columns:
        if column.role not in (AUTO, KEY, VILLAGE):
            continue
        real = set()
        for leaf in column_lineage(column.name, query, schema=dict(tables), dialect="duckdb").walk():
            if isinstance(leaf.expression, exp.Table):
                alias, _, name = leaf.name.replace('"', "").rpartition(".")
                real |= words.get(alias) or {f"{leaf.expression.name}.{name}"}
        extra = real - set(column.sources)
        if extra:
            names = ", ".join(sorted(extra))
            found.append(f"{ledger.model}.{column.name}: draws on {names}, which it does not declare")
    return found


def _translated(tables: list[exp.Table], joins: list[exp.Join], translators: set[str]) -> dict[str, set[str]]:
    """For each alias of a translating table the columns it is joined by, as `table.column`."""
    names = {table.alias_or_name: table.name for table in tables}
    found = {}
    for join in joins:
        if isinstance(join.this, exp.Table) and join.this.name in translators:
            alias = join.this.alias_or_name
            condition = join.args["on"].find_all(exp.Column)
            found[alias] = {f"{names.get(c.table, c.table)}.{c.name}" for c in condition if c.table != alias}
    return found
