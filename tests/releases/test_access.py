"""Who may open what of a release: by declaration, closed where nothing is declared, never everybody."""

import grp
import os
from pathlib import Path

import pytest

from pipelines.refusal import Refusal
from pipelines.releases.access import close, read_audiences
from pipelines.settings import Settings

DECLARED = Settings().declarations / "access" / "audiences.yml"
FILES = [
    "manifest.json", "manifest.sig", "warehouse.duckdb", "parquet/tags/person_tags/part-0.parquet",
    "products/ledgers/310118001_x/村.xlsx", "products/dashboards/guan.parquet", "products/secret/new.parquet",
    "products/loose.txt", "restricted/person_tags.parquet",
]  # fmt: skip


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "2026-10-31.1"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
        (folder / name).chmod(0o666)
    (tmp_path / "signing-key.pub").write_text("k")
    return folder


def modes(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_mode & 0o777 for p in folder.rglob("*")}


def test_nothing_is_readable_by_everybody_and_what_nobody_declared_is_the_owners(release: Path) -> None:
    close(release, read_audiences(DECLARED), lambda _: None, "signing-key.pub")
    found = modes(release)
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o006} == {}
    assert found["warehouse.duckdb"] == found["parquet/tags/person_tags/part-0.parquet"] == 0o640
    assert found["parquet/tags"] == found["products/ledgers/310118001_x"] == 0o750
    assert found["products/secret"] == found["restricted"] == 0o700
    assert found["products/secret/new.parquet"] == found["products/loose.txt"] == 0o600
    assert found["restricted/person_tags.parquet"] == 0o600
    assert found["products"] == release.stat().st_mode & 0o777 == 0o711
    assert (release.parent / "signing-key.pub").stat().st_mode & 0o777 == 0o640


def test_every_audience_gets_its_group_where_the_machine_has_it(release: Path, tmp_path: Path) -> None:
    mine = grp.getgrgid(os.getgid()).gr_name
    text = DECLARED.read_text().replace("xfy-analysts", mine)
    declared = tmp_path / "audiences.yml"
    declared.write_text(text)
    told: list[str] = []
    close(release, read_audiences(declared), told.append)
    assert (release / "warehouse.duckdb").stat().st_gid == os.getgid()
    assert not any(mine in line for line in told) and any("xfy-ledgers" in line for line in told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.replace("group: xfy-analysts", "gruop: xfy-analysts"), "analysts.gruop"),
        (lambda t: t.replace("group: xfy-analysts", "group: 'a; rm'"), "analysts.group"),
        (lambda t: t.replace("[restricted]", "[../vault]"), "outside a release"),
        (lambda t: t.replace("[restricted]", "[/etc]"), "outside a release"),
        (lambda t: t.replace("[restricted]", "[products/ledgers]"), "villages and to authorised"),
        (lambda _: "- a\n", "valid dictionary"),
        (lambda _: "{", "is not valid YAML"),
        (lambda t: t.replace("数据分析人员", "a\u202eb"), "U.202E"),
    ],
)
def test_a_wrong_declaration_opens_nothing(tmp_path: Path, change, told: str) -> None:
    path = tmp_path / "audiences.yml"
    path.write_text(change(DECLARED.read_text()))
    with pytest.raises(Refusal, match=told):
        read_audiences(path)
