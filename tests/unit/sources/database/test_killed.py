"""The server or the program is killed during a pull."""

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
def test_a_server_that_is_killed_during_a_pull(
    shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    """The previous file stays, and the next pull continues after the last complete piece."""
    server: Server = request.getfixturevalue(
        "postgres_server" if kind == "postgresql" else "mariadb_server"
    )
    shop.put(1, 10)
    before, _ = pulled(tmp_path)
    shop.put(10, 3000, at=START + timedelta(days=9))
    monkeypatch.setattr(pulling, "PIECE", 100)
    text_columns = pulling.text_columns
    pieces = []

    def kill_at_fifth_piece(names: Sequence[str], rows: Sequence[Sequence[object]]) -> pl.DataFrame:
        pieces.append(len(rows))
        if len(pieces) == 5:
            server.kill()
        return text_columns(names, rows)

    with monkeypatch.context() as patched:
        patched.setattr(pulling, "text_columns", kill_at_fifth_piece)
        with pytest.raises(
            NoDatabase, match="run again to continue where the pull stopped"
        ) as failure:
            pull(tmp_path, print)
    assert PASSWORD not in str(failure.value)
    assert pl.read_parquet(tmp_path / "sales.parquet").equals(before)
    server.start()
    rows, messages = pulled(tmp_path)
    assert (
        messages[0] == f"sales: continues after {len(pieces)} pieces of a pull that did not finish"
    )
    read = next(
        int(line.split()[1].replace(",", "")) for line in messages if line.endswith("rows read")
    )
    assert read <= 2990 - (len(pieces) - 1) * 100
    assert sorted(rows["id"].cast(pl.Int64)) == list(range(1, 3000))


def test_a_killed_program_continues_with_the_next_pull(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever change on disk it was killed before, the next pull ends with all rows."""
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
        notes = dict(rows.select(pl.col("id").cast(pl.Int64), "note").rows())
        assert sorted(notes) == list(range(1, kill_at + 60))
        assert {notes[i] for i in range(kill_at, kill_at + 60)} == {str(kill_at)}


def _die_at(patched: pytest.MonkeyPatch, count: int) -> None:
    """Die before file number `count` gets its final name."""
    left = [count]
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return original(self, target)

    patched.setattr(Path, "replace", replace)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_two_pulls_do_not_run_at_once(shop: Shop, tmp_path: Path) -> None:
    shop.put(1, 4)
    pulled(tmp_path)
    with (
        FileLock(tmp_path / ".pull" / ".lock"),
        pytest.raises(WorkspaceBusy, match="another run is pulling"),
    ):
        pull(tmp_path, print)
