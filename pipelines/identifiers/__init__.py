"""Canonical identity numbers, their pseudonyms and masks, and the one rule of age.

A leaf: of this project it imports only what a refusal is. What belongs here: everything that must be decided the same
way wherever an identity number or a birth date is handled. What does not: which columns hold numbers (the contracts say
so), and linking people who have no number (`pipelines.subjects`).
"""

from pipelines.identifiers.age import age_expr, age_on, age_sql
from pipelines.identifiers.credit import credit_codes
from pipelines.identifiers.digests import DIGITS, digests_in, digests_of
from pipelines.identifiers.numbers import (
    EARLIEST_BIRTH,
    FOREIGN_PR,
    FORMER_AREAS,
    HM_PERMIT,
    HMT_RESIDENCE,
    IDCARD,
    KINDS,
    PASSPORT,
    TW_PERMIT,
    Number,
    canonical,
    examine,
)
from pipelines.identifiers.pseudonyms import (
    Key,
    load_key,
    masks,
    pseudonym,
    pseudonyms,
    pseudonyms_once,
)
from pipelines.identifiers.repair import candidates, ends, repairs, stated_births

__all__ = [
    "DIGITS",
    "EARLIEST_BIRTH",
    "FOREIGN_PR",
    "FORMER_AREAS",
    "HMT_RESIDENCE",
    "HM_PERMIT",
    "IDCARD",
    "KINDS",
    "PASSPORT",
    "TW_PERMIT",
    "Key",
    "Number",
    "age_expr",
    "age_on",
    "age_sql",
    "candidates",
    "canonical",
    "credit_codes",
    "digests_in",
    "digests_of",
    "ends",
    "examine",
    "load_key",
    "masks",
    "pseudonym",
    "pseudonyms",
    "pseudonyms_once",
    "repairs",
    "stated_births",
]
