"""ENGINE=spark: bit-identical features on this machine and on a cluster; clear errors without."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build import registry
from features.spine import build_spine
from features.tables import TABLES, Tables, create_tables
from pipeline.engines import engine
from pipeline.settings.config import Config, Engine
from pipeline.settings.errors import NoEngine
from pipeline.training.leak_proof import changed
from pipeline.workspace.workspace import Workspace
from tests.conftest import day
from tests.property.random_worlds import draw_worlds
from tests.property.worlds import as_tables, small_store
from tests.unit.nights import AS_OF, ROOT, latest

JAVA = engine.java_version()
needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or JAVA is None or JAVA < engine.JAVA,
    reason=f"needs PySpark (requirements-spark.txt) and Java {engine.JAVA} or newer",
)
# seconds; on a busy machine Java alone takes minutes to start
PATIENCE = 900.0


@pytest.fixture(autouse=True)
def short_lived_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Java compile quickly: these processes run for seconds, and this halves their time."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


def stored(folder: Path, tables: Tables) -> Tables:
    workspace = Workspace(folder)
    with workspace.locked():
        workspace.write_tables(tables, {})
        return workspace.read_tables()


# -- on this machine


@needs_spark
@pytest.mark.parametrize("store", ["random worlds", "a simulated store"])
def test_spark_builds_the_same_features_to_the_bit(store: str, tmp_path: Path) -> None:
    if store == "random worlds":
        tables, nights = (
            create_tables(draw_worlds(80, 9), zone="UTC"),
            [day("2024-01-20"), day("2024-02-25")],
        )
    else:
        # a time zone, outcomes known for only some orders, rows in random order
        tables = as_tables(small_store(), has_partial_outcomes=True)
        nights = [day("2025-03-01"), day("2025-04-15")]
    tables = stored(tmp_path, tables)
    spine = build_spine(tables, nights).sample(fraction=1.0, shuffle=True, seed=3)
    config = Config(engine=Engine(name="spark", orders_per_bucket=75))
    features = engine.build_features(tables, spine, config)
    assert features.height > 90
    expected = registry.build_features(tables, spine)
    assert_frame_equal(features, expected, check_exact=True)
    assert changed(features, expected) == []


@needs_spark
def test_workers_read_partitioned_tables_from_a_hadoop_path(tmp_path: Path) -> None:
    nights = [day("2024-01-20"), day("2024-02-25")]
    tables = stored(tmp_path, create_tables(draw_worlds(30, 9), zone="UTC"))
    spine = build_spine(tables, nights)
    copy = tmp_path / "bucket" / "store"
    for name in TABLES:
        frame = pl.read_parquet(tmp_path / "tables" / f"{name}.parquet")
        parts = list(frame.iter_slices(-(-max(frame.height, 1) // 3))) or [frame]
        for number, part in enumerate(parts):
            file = copy / f"{name}.parquet" / f"part={number}" / "rows.parquet"
            file.parent.mkdir(parents=True)
            part.write_parquet(file)
    config = Config(engine=Engine(name="spark", tables=copy.as_uri(), orders_per_bucket=30))
    features = engine.build_features(tables, spine, config)
    assert_frame_equal(features, registry.build_features(tables, spine), check_exact=True)
    shutil.rmtree(copy / "orders.parquet" / "part=2")
    with pytest.raises(NoEngine, match=r"orders.parquet is not a copy of the workspace's table"):
        engine.build_features(tables, spine, config)


def test_a_night_without_open_orders_needs_no_spark(tmp_path: Path) -> None:
    tables = stored(tmp_path, as_tables(small_store()))
    spine = build_spine(tables, [day("2030-01-01")])
    features = engine.build_features(tables, spine, Config(engine=Engine(name="spark")))
    assert features.is_empty()


# -- on a cluster


@dataclass
class Cluster:
    """A standalone master on loopback: its URL, the URL of its status page, and its workers."""

    url: str
    status: str
    workers: list[subprocess.Popen]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A master with two workers of one core each."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port, page = one.getsockname()[1], other.getsockname()[1]
    url, status = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}/json/"
    started = [start("master.Master", tmp_path, "--port", str(port), "--webui-port", str(page))]
    try:
        wait_for(status, lambda page: page["status"] == "ALIVE")
        for number in range(2):
            resources = ("--cores", "1", "--memory", "1g", "--webui-port", "0")
            work = ("--work-dir", str(tmp_path / f"work{number}"))
            name = "worker.Worker"
            started.append(start(name, tmp_path, *resources, *work, url, local_files=str(number)))
        wait_for(status, lambda page: page["aliveworkers"] == 2)
        yield Cluster(url, status, started[1:])
    finally:
        for process in reversed(started):
            stop(process, signal.SIGTERM)


def stop(process: subprocess.Popen, how: signal.Signals) -> None:
    """End a process with its group, which includes the executors of a worker."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    process.wait(timeout=60)


def start(name: str, folder: Path, *arguments: str, local_files: str = "") -> subprocess.Popen:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    command = [
        home / "bin" / "spark-class",
        f"org.apache.spark.deploy.{name}",
        "--host",
        "127.0.0.1",
        *arguments,
    ]
    env = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": str(folder / "local" / local_files),
    }
    with (folder / f"{name}.log").open("w") as log:
        return subprocess.Popen(
            command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )


def wait_for(status: str, is_ready: Callable[[dict], bool]) -> dict:
    """The status page as JSON, once `is_ready` holds."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urlopen(status, timeout=5) as page:
                state = json.load(page)
            if is_ready(state):
                return state
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{status} was not ready in time")


def score_command(cluster: Cluster, workspace: Path) -> list[str]:
    command = [sys.executable, "-m", "pipeline", "--engine", "spark", "--spark-master", cluster.url]
    return [*command, "score", "--workspace", str(workspace), "--as-of", AS_OF, "--force"]


def copy_for_cluster(finished: Path, folder: Path) -> Path:
    """A copy of the workspace whose night has eight buckets, with little memory."""
    workspace = shutil.copytree(finished, folder, symlinks=True)
    count = Workspace(workspace).table_files().count_orders()
    with (workspace / "config.toml").open("a") as config:
        config.write(f'[engine]\nmemory = "768m"\norders_per_bucket = {-(-count // 8)}\n')
    return workspace


def assert_same_night(before: Path, after: Path) -> None:
    for name in (
        "contact_list.csv",
        "scores.parquet",
        "queues.parquet",
        "assignments.parquet",
        "action_candidates.parquet",
        "health.json",
    ):
        assert (after / name).read_bytes() == (before / name).read_bytes(), name
    manifests = [json.loads((night / "manifest.json").read_text()) for night in (before, after)]
    assert [manifest["engine"]["name"] for manifest in manifests] == ["polars", "spark"]
    assert manifests[0]["inputs"] == manifests[1]["inputs"]


@needs_spark
def test_a_night_on_a_cluster_writes_the_same_files(
    cluster: Cluster, finished: Path, tmp_path: Path
) -> None:
    workspace = copy_for_cluster(finished, tmp_path / "w")
    run = subprocess.run(
        score_command(cluster, workspace),
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "pandas" not in run.stderr
    assert_same_night(latest(finished), latest(workspace))
    ended = wait_for(cluster.status, lambda page: page["completedapps"])
    assert ended["completedapps"][0]["state"] == "FINISHED"


@needs_spark
def test_a_killed_driver_leaves_the_last_night_and_a_killed_worker_changes_nothing(
    cluster: Cluster, finished: Path, tmp_path: Path
) -> None:
    workspace = copy_for_cluster(finished, tmp_path / "w")
    with (tmp_path / "run.log").open("w") as log:

        def run_until_it_works() -> subprocess.Popen:
            command, since = score_command(cluster, workspace), time.time()
            run = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
            wait_for(cluster.status, lambda page: is_at_work(page, tmp_path / "local", since))
            assert run.poll() is None
            return run

        before = latest(workspace)
        stop(run_until_it_works(), signal.SIGKILL)
        assert latest(workspace) == before
        wait_for(cluster.status, lambda page: not page["activeapps"])

        run = run_until_it_works()
        stop(cluster.workers[0], signal.SIGKILL)
        assert run.wait(PATIENCE) == 0, (tmp_path / "run.log").read_text()
    wait_for(cluster.status, lambda page: page["aliveworkers"] == 1)
    assert_same_night(latest(finished), latest(workspace))


def is_at_work(page: dict, folder: Path, since: float) -> bool:
    """Whether the executors of both workers have written parts of a shuffle."""
    return bool(page["activeapps"]) and all(
        any(file.stat().st_mtime > since for file in (folder / number).rglob("shuffle_*.data"))
        for number in ("0", "1")
    )


# -- without Spark


def test_without_pyspark_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(
        NoEngine, match=r"PySpark, which is not installed here.*pip install '\.\[spark\]'"
    ):
        engine.require_spark(Engine(name="spark"))


@pytest.mark.parametrize(
    ("version", "message"), [(None, "none was found"), (11, "the one found is Java 11")]
)
def test_without_a_suitable_java_the_error_names_the_version(
    monkeypatch: pytest.MonkeyPatch, version: int | None, message: str
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: object())
    monkeypatch.setattr(engine, "java_version", lambda: version)
    with pytest.raises(NoEngine, match=f"Java 17 or newer; {message}"):
        engine.require_spark(Engine(name="spark"))


def test_the_version_of_java_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert engine.java_version() is None
    for output, version in (
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 1),
        ("?", None),
    ):
        java.write_text(f"#!/bin/sh\necho '{output}' >&2\n")
        java.chmod(0o755)
        assert engine.java_version() == version


@needs_spark
def test_a_master_that_does_not_answer_is_reported(run_step, workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    where = ("--engine", "spark", "--spark-master", f"spark://127.0.0.1:{port}")
    run = run_step(*where, "train", "--workspace", workspace, "--as-of", AS_OF)
    assert run.returncode == 15
    assert f"SPARK_MASTER=spark://127.0.0.1:{port}: no answer from this address" in run.stderr
    assert "Traceback" not in run.stderr


def test_an_invalid_master_is_a_usage_error(run_step, workspace: Path) -> None:
    run = run_step("--spark-master", "sparks", "train", "--workspace", workspace, "--as-of", AS_OF)
    assert run.returncode == 2
    assert "'sparks' is not a Spark master" in run.stderr
