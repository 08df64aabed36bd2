"""A small set of tag declarations on disk, to be spoilt in one place at a time."""

import shutil
from pathlib import Path

from worlds import SCHEMA, TAG_RULES

from pipelines.tags.catalogue import check
from pipelines.tags.problems import Problem

PARAMETERS = """\
elder_age:
  type: int
  unit: years
  description: when old age begins
  values:
    - value: 60
      valid_from: 1996-10-01
      legal: the law
married:
  type: texts
  description: codes of marriage
  values:
    - value: ['20', '21']
      valid_from: 2003-12-01
      legal: the standard
short_lived:
  type: int
  description: a threshold that has ended
  values:
    - value: 1
      valid_from: 2020-01-01
      valid_to: 2020-12-31
      legal: an old rule
share:
  type: decimal
  description: a share
  values:
    - value: 0.50
      valid_from: 2020-01-01
      legal: a plan
"""

FILE = """\
group: T0101
subject: person
owner: the police
cadence: daily
as_of: 2026-10-31
tags:
  - code: T01010101
    level: T010101
    name: 男性
    name_en: Male
    kind: fact
    sensitivity: internal
    min_cell: 5
    rule: sex_code = '1'
    purpose: offers men their health check
    examples:
      has: [{sex_code: '1'}]
      lacks: [{sex_code: '2'}]
      unknown: [{}]
  - code: T01010501
    level: T010105
    name: 老年人
    name_en: Elder
    kind: rule
    sensitivity: internal
    min_cell: 5
    rule: |
      years_since(birth_on) >= $elder_age
      and alive <> 'dead'
    purpose: offers elders the lunch club
    examples:
      has: [{birth_on: 1966-10-31, alive: alive}]
      lacks: [{birth_on: 1966-11-01, alive: alive}]
      unknown: [{alive: alive}]
"""
RULE_LINE = FILE.split("\n").index("    rule: sex_code = '1'") + 1
SECOND_LINE = FILE.split("\n").index("  - code: T01010501") + 1
NAME = "person/T0101.yml"


def write(folder: Path, text: str = FILE, parameters: str = PARAMETERS) -> Path:
    """Writes the declarations and returns their root."""
    (folder / "person").mkdir(parents=True, exist_ok=True)
    (folder / "parameters").mkdir(exist_ok=True)
    shutil.copy(TAG_RULES / "taxonomy.yml", folder / "taxonomy.yml")
    (folder / "parameters" / "p.yml").write_text(parameters, encoding="utf-8")
    (folder / NAME).write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path, *changes: tuple[str, str], parameters: str = PARAMETERS, as_of=None) -> list[Problem]:
    """The problems of the declarations after each `(old, new)` has been replaced once."""
    text = FILE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return check(write(folder, text, parameters), SCHEMA, as_of)
