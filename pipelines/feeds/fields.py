"""The columns a contract declares: their class, their role at the door, and how their text is read.

What belongs here: the words of the contract's columns. What does not: reading values by them (`parse`, `columns`), and
checks that need more than one column (`contracts`).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Classification = Literal["public", "internal", "sensitive", "restricted"]
Severity = Literal["error", "warning"]
Role = Literal["value", "identity", "credit_code", "key", "name", "phone", "address", "coordinate", "door", "drop"]
Part = Literal[
    "id", "masked", "kind", "birth_on", "sex_code", "was_15", "suffix_kind", "suffix_grade", "reissue",
    "candidates", "stated_birth_on", "mask_key", "digest",
]  # fmt: skip
# What a number says of itself and its holder.
EXAMINED: tuple[Part, ...] = ("kind", "birth_on", "sex_code", "was_15", "suffix_kind", "suffix_grade", "reissue")
# What a column keeps of a number that cannot be used, where its rows are accepted all the same (`links`).
TRACES: tuple[Part, ...] = ("candidates", "stated_birth_on", "mask_key")
# How a department digests numbers before it sends them.
Algorithm = Literal["md5", "sha1", "sha256", "sm3"]
DateForm = Literal[
    "ymd", "dashed", "slashed", "dotted", "chinese", "excel", "month", "timestamp",
    "nls", "day_first", "season", "offset", "datetime", "epoch", "epoch_ms",
]  # fmt: skip
# Roles that name or find a person: never in a batch report, a message or a published table.
DIRECT_ROLES = frozenset({"identity", "name", "phone", "address", "coordinate"})
PART_SUFFIX = {part: f"_{part}" for part in ("id", *TRACES, "digest")} | {
    part: f"_cert_{part}"
    for part in ("masked", "kind", "birth_on", "sex_code", "was_15", "suffix_kind", "suffix_grade", "reissue")
}
_PART_TYPES = {"birth_on": "date", "was_15": "boolean", "candidates": "array", "stated_birth_on": "date"}


class Strict(BaseModel):
    """A declaration: unknown words are refused, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Codes(Strict):
    """Allowed codes and other spellings of them.

    Codes come from `values`, the rows of a reference file (`file`, filtered by `where`, code in `key`) and the clean
    value domain `domain` ("table.column"), whichever are given. Texts in the file's columns `also` and in `synonyms`
    are read as the code.
    """

    values: tuple[str, ...] = ()
    file: str | None = None
    where: dict[str, str] = {}
    key: str = "code"
    also: tuple[str, ...] = ()
    domain: str | None = None
    synonyms: dict[str, str] = {}


class Intake(Strict):
    """How the text of one column is read. Defaults: any text, empty means null."""

    role: Role = "value"
    keep: tuple[Part, ...] = ("id",)
    kinds: tuple[str, ...] = ()
    declared_by: str | None = None
    # Columns of whose values, beside the number, a person is told by, for kinds of document whose numbers repeat.
    qualified_by: dict[str, tuple[str, ...]] = {}
    # The identity column of the same delivery in which such a document is looked up, to tell its holder as there.
    held_in: str | None = None
    with_suffix: bool = False
    # The algorithm by which numbers become digests: those kept of whole numbers (`keep`), and those that may stand here
    # instead of numbers (`with_digests`).
    digest: Algorithm | None = None
    with_digests: bool = False
    domain: str | None = None
    dates: tuple[DateForm, ...] = ("ymd",)
    # Where several identity numbers stand in one field: the mark between them. The first is read.
    first_of: str | None = None
    # Units a number may end with and what it is then multiplied by.
    factors: dict[str, float] = {}
    unknown: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    yes: tuple[str, ...] = ("是", "1", "Y", "y", "true")
    no: tuple[str, ...] = ("否", "0", "N", "n", "false")
    codes: Codes | None = None
    pattern: str | None = None
    strip: tuple[str, ...] = ()
    # The letter case of an identifier, which other feeds write as well. On a value it says that it is one.
    letters: Literal["upper", "lower"] | None = None
    digits: int = Field(default=18, ge=1, le=18)
    decimals: int = Field(default=0, ge=0, le=9)
    minimum: float | None = None
    maximum: float | None = None
    # A measure may come with more places than are kept. An amount may not: what cannot be kept is not dropped.
    rounded: bool = False
    separators: str = ""
    hundredths: bool = False
    # A date that may lie after the delivery: when something falls due, ends or expires. All others tell what has been.
    may_be_future: bool = False
    # Dates that this one cannot lie before.
    not_before: tuple[str, ...] = ()
    # The identity column whose holder lived through it: it tells the century of a season such as 05年冬.
    century_of: str | None = None
    leading: int | None = Field(default=None, ge=1)
    first_byte: int | None = Field(default=None, ge=1)
    bytes: int | None = Field(default=None, ge=1)
    # `link`: a row whose identity number is empty or unusable is accepted, for its person to be found otherwise.
    on_invalid: Severity | Literal["link"] | None = None
    # The identity column whose number stands here where a rule of severity `link` found it to be another person's.
    instead_of: str | None = None


class Column(Strict):
    """One column and what becomes of it. Several columns may read the same raw column (`physical`).

    A derived column has no raw column but `logic`: a condition over the values of its row.
    """

    name: str
    physical: str
    logic: str | None
    label: str
    logical_type: Literal["string", "integer", "number", "boolean", "date", "timestamp", "array"]
    required: bool
    classification: Classification
    description: str
    intake: Intake

    @property
    def role(self) -> Role:
        """What the column is to the door."""
        return self.intake.role

    @property
    def outputs(self) -> dict[str, str]:
        """Lake columns that come of it: name → logical type. Empty for columns that stay at the door."""
        role = self.intake.role
        if role in ("drop", "door"):
            return {}
        if role == "identity":
            return {self.name + PART_SUFFIX[part]: _PART_TYPES.get(part, "string") for part in self.parts}
        return {self.name: self.logical_type}

    @property
    def is_identifier(self) -> bool:
        """Whether rows or feeds meet by the text, which is then kept in one spelling."""
        return self.intake.role == "key" or self.intake.letters is not None

    @property
    def is_linked(self) -> bool:
        """Whether its rows are accepted without a usable number."""
        return self.intake.on_invalid == "link"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What of an identity number comes into the lake."""
        traces = TRACES if self.is_linked else ()
        digest: tuple[Part, ...] = ("digest",) if self.intake.with_digests else ()
        return tuple(dict.fromkeys([*self.intake.keep, *traces, *digest]))

    @property
    def severity(self) -> Severity:
        """What an unreadable value does to its row: error holds the row back, warning empties the value."""
        if self.intake.on_invalid == "link":
            return "warning"
        if self.intake.on_invalid is not None:
            return self.intake.on_invalid
        return "error" if self.intake.role in ("identity", "key") else "warning"
