"""A step that needs an optional package which is missing says which command installs it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from pipeline.__main__ import main
from pipeline.installation import extras
from pipeline.installation.extras import extra_of, require_package
from pipeline.settings.errors import MissingExtra
from pipeline.sources.database.connection import open_read_only
from pipeline.sources.database.queries import Database, Query
from tests.unit.installation.test_pinned_packages import CONNECTIONS, needed
from tests.unit.our_packages import ROOT

Absent = Callable[[str], None]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Absent:
    """Makes one package look as if it was not installed."""

    def hide(package: str) -> None:
        find = extras.find_spec
        monkeypatch.setattr(extras, "find_spec", lambda n: None if n == package else find(n))
        monkeypatch.setitem(sys.modules, package, None)

    return hide


def test_an_installed_package_is_no_fault() -> None:
    for package in extras._EXTRAS:
        require_package(package)


@pytest.mark.parametrize("package", extras._EXTRAS)
def test_a_missing_package_is_named_with_its_command(absent: Absent, package: str) -> None:
    absent(package)
    with pytest.raises(MissingExtra, match=f"the package {package}, .*Run: make connections$"):
        require_package(package)


def test_the_installed_command_advises_its_own_pip(
    absent: Absent, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent("boto3")
    monkeypatch.setattr(sys, "argv", ["/opt/bin/dispute-risk"])
    with pytest.raises(MissingExtra) as raised:
        require_package("boto3")
    assert str(raised.value).endswith(f"Run: {sys.executable} -m pip install 'dispute-risk[s3]'")


def test_each_package_is_in_the_extra_that_the_message_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["project"]["optional-dependencies"]
    for package, (extra, _) in extras._EXTRAS.items():
        assert extra in CONNECTIONS
        assert package in needed(listed[extra])


def test_a_database_without_its_driver_is_not_asked(absent: Absent) -> None:
    absent("psycopg")
    database = Database(
        url="postgresql://reader@shop.invalid/shop", query=(Query(name="orders", sql="select 1"),)
    )
    with pytest.raises(MissingExtra, match="PostgreSQL"), open_read_only(database, ROOT):
        pass


def test_an_import_that_fails_deep_inside_ends_with_the_same_message(
    absent: Absent, capsys: pytest.CaptureFixture[str]
) -> None:
    absent("psycopg")

    def connect() -> None:
        sa.create_engine("postgresql+psycopg://reader@127.0.0.1/shop")

    with pytest.raises(SystemExit) as ended:
        main(connect)
    assert ended.value.code == MissingExtra.exit_code
    shown = capsys.readouterr().err
    assert "A PostgreSQL database needs the package psycopg" in shown
    assert "Traceback" not in shown


def test_another_import_that_fails_is_a_bug() -> None:
    assert extra_of(ModuleNotFoundError(name="polars")) is None
    assert extra_of(ImportError("psycopg")) is None
