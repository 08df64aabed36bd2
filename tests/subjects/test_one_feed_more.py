"""A feed that names people is added by its contract alone; what is committed says what each claims, or why not."""

import shutil

import yaml

from pipelines.feeds.contracts import load_contracts
from pipelines.settings import Settings
from pipelines.subjects.survivorship.checks import load_rules, unspoken

SETTINGS = Settings()


def test_every_committed_feed_that_names_people_is_spoken_of():
    contracts = load_contracts(SETTINGS.contracts)
    assert unspoken(load_rules(SETTINGS, contracts), contracts) == []


def test_one_feed_more_is_silent_until_somebody_says_what_it_claims(tmp_path):
    shutil.copytree(SETTINGS.contracts, tmp_path / "contracts")
    named = next(c for c in load_contracts(SETTINGS.contracts).values() if c.people)
    body = yaml.safe_load(named.path.read_text("utf-8")) | {"id": "F52"}
    (tmp_path / "contracts" / "F52.yaml").write_text(yaml.safe_dump(body, allow_unicode=True), "utf-8")
    contracts = load_contracts(tmp_path / "contracts")
    assert unspoken(load_rules(SETTINGS, contracts), contracts) == ["F52"]
