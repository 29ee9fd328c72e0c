"""Where the password comes from, and that it appears nowhere."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.settings.errors import NoDatabase
from pipeline.sources.database.run_queries import pull
from tests.unit.sources.database.conftest import QUERY, Shop, pulled
from tests.unit.sources.database.servers import PASSWORD


def test_the_password_appears_nowhere(
    shop: Shop, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shop.put(1, 10)
    pulled(tmp_path)
    kept = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and PASSWORD.encode() in path.read_bytes()
    ]
    assert kept == []
    assert PASSWORD not in "".join(capfd.readouterr())


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_wrong_password_is_reported_without_showing_it(
    shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_step: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "wrong-4711")
    done = run_step("pull", "--raw", tmp_path)
    assert done.returncode == 18, done.stderr
    assert "wrong-4711" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "password" in done.stderr


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_address_and_password_may_be_in_the_file_of_the_driver(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delenv("DATABASE_PASSWORD")
    shop.put(1, 4)
    port = shop.engine.url.port
    driver_file = tmp_path / "own.cnf"
    if kind == "postgresql":
        driver_file.write_text(
            f"[shop]\nhost=127.0.0.1\nport={port}\nuser=reader\ndbname=shop\npassword={PASSWORD}\n"
        )
        monkeypatch.setenv("PGSERVICEFILE", str(driver_file))
        url = "postgresql:///?service=shop"
    else:
        driver_file.write_text(f"[client]\nuser=reader\npassword={PASSWORD}\n")
        url = f"mysql://127.0.0.1:{port}/shop?read_default_file={driver_file}"
    (tmp_path / "database.toml").write_text(f'url = "{url}"\n{QUERY}')
    assert pulled(tmp_path)[0].height == 3


def test_the_address_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "database.toml").write_text(QUERY)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{PASSWORD}@127.0.0.1:1/shop")
    with pytest.raises(NoDatabase, match="postgresql://127.0.0.1/shop: ") as failure:
        pull(tmp_path, print)
    assert PASSWORD not in str(failure.value)
