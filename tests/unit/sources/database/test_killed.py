"""A server or a program that ends in the middle of a pull."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from pipeline.settings.errors import NoDatabase, WorkspaceBusy
from pipeline.sources.database import run_queries as pulling
from pipeline.sources.database.run_queries import pull
from tests.unit.sources.database.conftest import START, Shop, pulled
from tests.unit.sources.database.servers import PASSWORD, Server


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_that_is_killed_in_the_middle(
    shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    """The former file stays, and the next pull goes on behind the last whole piece."""
    server: Server = request.getfixturevalue(
        "postgres_server" if kind == "postgresql" else "mariadb_server"
    )
    shop.put(1, 10)
    before, _ = pulled(tmp_path)
    shop.put(10, 3000, at=START + timedelta(days=9))
    monkeypatch.setattr(pulling, "PIECE", 100)
    made = pulling.text_columns
    pieces = []

    def until_the_end(names: Sequence[str], rows: Sequence[Sequence[object]]) -> pl.DataFrame:
        pieces.append(len(rows))
        if len(pieces) == 5:
            server.kill()
        return made(names, rows)

    with monkeypatch.context() as patched:
        patched.setattr(pulling, "text_columns", until_the_end)
        with pytest.raises(NoDatabase, match="run again to go on where it ended") as found:
            pull(tmp_path, print)
    assert PASSWORD not in str(found.value)
    assert pl.read_parquet(tmp_path / "sales.parquet").equals(before)
    server.start()
    rows, said = pulled(tmp_path)
    assert (
        said[0]
        == f"sales: {len(pieces)} pieces are there from a pull that did not end; goes on behind them"
    )
    read = next(
        int(line.split()[1].replace(",", "")) for line in said if line.endswith("rows read")
    )
    assert read <= 2990 - (len(pieces) - 1) * 100
    assert sorted(rows["id"].cast(pl.Int64)) == list(range(1, 3000))


def test_a_killed_program_goes_on_too(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever change on disk it was killed before, the next pull ends with all rows."""
    monkeypatch.setattr(pulling, "PIECE", 20)
    shop.put(1, 30)
    pulled(tmp_path)
    for kill_at in range(1, 9):
        shop.put(kill_at, kill_at + 60, at=START + timedelta(days=kill_at), note=str(kill_at))
        with monkeypatch.context() as patched:
            _die_at(patched, kill_at)
            with pytest.raises(KeyboardInterrupt):
                pull(tmp_path, print)
        rows, _ = pulled(tmp_path)
        told = dict(rows.select(pl.col("id").cast(pl.Int64), "note").rows())
        assert sorted(told) == list(range(1, kill_at + 60))
        assert {told[i] for i in range(kill_at, kill_at + 60)} == {str(kill_at)}


def _die_at(patched: pytest.MonkeyPatch, count: int) -> None:
    """Die before the so manieth file takes its place."""
    left = [count]
    whole = Path.replace

    def replace(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return whole(self, target)

    patched.setattr(Path, "replace", replace)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_two_pulls_do_not_run_at_once(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 4)
    pulled(tmp_path)
    with (
        FileLock(tmp_path / ".pull" / ".lock"),
        pytest.raises(WorkspaceBusy, match="another run pulls"),
    ):
        pull(tmp_path, print)
