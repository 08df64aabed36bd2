"""Forms of names: what must meet does, what must not does not."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.settings import REPOSITORY
from pipelines.subjects.linkage import names
from pipelines.subjects.linkage.rules import load_rules

RULES = load_rules(REPOSITORY / "data" / "linkage" / "person.yml").names
HAN = st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=6)


def normal(*written: str | None) -> list[str | None]:
    return names.normal(pl.Series(written, dtype=pl.String), RULES.dots, RULES.traditional).to_list()


def forms(*written: str) -> pl.DataFrame:
    return names.with_forms(pl.DataFrame({"name": normal(*written)}))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("王 小明", "王小明"),
        ("王\u3000小明", "王小明"),
        ("張偉", "张伟"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
        ("smith,  john ", "SMITH JOHN"),
        ("ＳＭＩＴＨ　ＪＯＨＮ", "SMITH JOHN"),
        ("\u200b王小明", "王小明"),
        ("·王小明·", "王小明"),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_normal(written: str | None, read: str | None) -> None:
    assert normal(written) == [read]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=8))
def test_normal_is_stable(written: list[str | None]) -> None:
    once = normal(*written)
    assert normal(*once) == once
    assert not any(name == "" for name in once)


@settings(deadline=None, max_examples=60)
@given(HAN)
def test_plain_names_are_only_simplified(name: str) -> None:
    expected = "".join(RULES.traditional.get(c, c) for c in name)
    assert normal(name) == [expected]


def test_order_is_forgotten() -> None:
    told = forms("王小明", "王明小", "SMITH JOHN", "JOHN SMITH", "王小红")["name_sorted"].to_list()
    assert told[0] == told[1] != told[4]
    assert told[2] == told[3]


def test_same_sound() -> None:
    told = forms("张伟", "章炜", "ZHANG WEI", "Zhangwei", "张维维", "李伟")["name_sound"].to_list()
    assert len(set(told[:4])) == 1
    assert told[4] != told[0] != told[5]


def test_a_character_without_reading_is_kept_apart() -> None:
    told = forms("张𬱖", "张伟")["name_sound"].to_list()
    assert told[0] and told[0] != told[1]


@settings(deadline=None, max_examples=60)
@given(st.lists(HAN, min_size=1, max_size=6))
def test_forms_do_not_depend_on_the_others(given_names: list[str]) -> None:
    together = forms(*given_names)
    alone = pl.concat([forms(name) for name in given_names])
    assert together.equals(alone)
