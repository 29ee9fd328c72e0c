"""Pull five million rows from PostgreSQL into canonical tables, and kill the server in the middle.

Prints seconds, peak memory and the state of the tables after each step. The server comes from
Debian's packages.

PYTHONPATH=. python tests/bench/pull.py [ORDERS]
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psycopg
import sqlalchemy as sa

from pipeline.sources.database.run_queries import PIECE
from tests.unit.sources.database import shop_database
from tests.unit.sources.database.servers import NO_POSTGRES, PASSWORD, POSTGRES, Server, postgres

# a simulated order has about 18 rows over all tables
ORDERS = 286_000
FORMER = 2_000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def step(*arguments: object) -> tuple[float, float, int, str]:
    """Run a step in its own process: seconds, peak memory in GB, exit code and output."""
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    started = time.perf_counter()
    env = {**os.environ, "DATABASE_PASSWORD": PASSWORD}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
        _, status, used = os.wait4(process.pid, 0)
        output.seek(0)
        return (
            time.perf_counter() - started,
            used.ru_maxrss * 1024 / 1e9,
            os.waitstatus_to_exitcode(status),
            output.read(),
        )


def simulated(folder: Path, orders: int) -> dict[str, pl.DataFrame]:
    assert step("simulate", "--workspace", folder, "--orders", orders)[2] == 0
    return shop_database.read_store(folder / "raw")


def fill(server: Server, frames: dict[str, pl.DataFrame]) -> None:
    """Fill the database with COPY, and index the watermark column, as a real shop should."""
    address = f"127.0.0.1:{server.port}/shop"
    engine = sa.create_engine(
        f"postgresql+psycopg://reader:{PASSWORD}@{address}", poolclass=sa.NullPool
    )
    shop_database.create(engine, frames)
    with (
        psycopg.connect(f"postgresql://reader:{PASSWORD}@{address}") as connection,
        connection.cursor() as cursor,
    ):
        for name, frame in frames.items():
            names = ", ".join(f'"{column}"' for column in frame.columns)
            with cursor.copy(f"COPY {name} ({names}) FROM STDIN (FORMAT csv)") as copy:
                for part in frame.iter_slices(100_000):
                    copy.write(
                        part.write_csv(
                            include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ"
                        )
                    )
            cursor.execute(f"CREATE INDEX ON {name} ({shop_database.CHANGED})")


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.resolve().rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def tables_of(workspace: Path) -> dict[str, str]:
    return {
        name: digest
        for name, digest in hashes(workspace / "tables").items()
        if name.endswith(".parquet")
    }


def rows_read(output: str) -> int:
    return sum(int(count.replace(",", "")) for count in re.findall(r"([\d,]+) rows read", output))


def killing(server: Server, is_time: Callable[[], bool]) -> threading.Thread:
    def wait() -> None:
        while not is_time():
            time.sleep(0.01)
        server.kill()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def pieces_of(raw: Path, name: str) -> int:
    return len(list((raw / ".pull" / name).glob("*.parquet")))


def main(orders: int) -> None:
    if not POSTGRES:
        say(NO_POSTGRES)
        return
    with tempfile.TemporaryDirectory() as temporary, postgres() as server:
        folder = Path(temporary)
        raw, workspace = folder / "raw", folder / "workspace"
        frames = simulated(folder / "simulated", orders)
        former = simulated(folder / "former", FORMER)
        count = sum(frame.height for frame in frames.values())
        fill(server, frames)
        shop_database.write_settings(
            raw, f"postgresql://reader@127.0.0.1:{server.port}/shop", frames
        )
        load = ("--workspace", workspace, "--source")
        assert step("ingest", *load, "canonical", "--raw", folder / "former" / "raw")[2] == 0, (
            former.keys()
        )
        before = hashes(workspace / "tables")
        half = frames["tracking"].height // PIECE // 2
        killer = killing(server, lambda: pieces_of(raw, "tracking") > half)
        seconds, peak, code, output = step("ingest", *load, "database", "--raw", raw)
        killer.join()
        read = rows_read(output) + half * PIECE
        kept = "unchanged" if hashes(workspace / "tables") == before else "CHANGED"
        say(
            f"{count:,} rows in PostgreSQL; killed after about {read:,} rows, {seconds:.1f} s: "
            f"exit code {code}, tables {kept}, traceback: {'Traceback' in output}"
        )
        say(f"    {output.strip().splitlines()[-1]}")
        server.start()
        for words in ("resumed and loaded", "the next night"):
            seconds, peak, code, output = step("ingest", *load, "database", "--raw", raw)
            pulled = re.search(r"pull +\(([\d.]+) s\)", output)
            say(
                f"{words}: exit code {code}, {seconds:.1f} s (pull of {rows_read(output):,} rows: "
                f"{pulled and pulled[1]} s), peak {peak:.1f} GB"
            )
        true = folder / "true"
        step(
            "ingest",
            "--workspace",
            true,
            "--source",
            "canonical",
            "--raw",
            folder / "simulated" / "raw",
        )
        ours, theirs = (tables_of(each) for each in (workspace, true))
        say(f"tables have the same bytes as from the store's own files: {ours == theirs}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS)
