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
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest
from polars.testing import assert_frame_equal

from features.build import registry
from features.spine import build_spine
from features.tables import Tables, create_tables
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
PATIENCE = 300.0


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


def test_a_night_without_open_orders_needs_no_spark(tmp_path: Path) -> None:
    tables = stored(tmp_path, as_tables(small_store()))
    spine = build_spine(tables, [day("2030-01-01")])
    features = engine.build_features(tables, spine, Config(engine=Engine(name="spark")))
    assert features.is_empty()


# -- on a cluster


@pytest.fixture
def master(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A standalone master with one worker on loopback: its URL, and the URL of its status page."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port, page = one.getsockname()[1], other.getsockname()[1]
    url, status = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}/json/"
    started = [start("master.Master", tmp_path, "--port", str(port), "--webui-port", str(page))]
    try:
        wait_for(status, lambda page: page["status"] == "ALIVE")
        resources = (
            "--cores",
            "2",
            "--memory",
            "2g",
            "--webui-port",
            "0",
            "--work-dir",
            str(tmp_path / "work"),
        )
        started.append(start("worker.Worker", tmp_path, *resources, url))
        wait_for(status, lambda page: page["aliveworkers"] == 1)
        yield url, status
    finally:
        for process in reversed(started):
            # the process group, which includes the executors of a worker
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def start(name: str, folder: Path, *arguments: str) -> subprocess.Popen:
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


@needs_spark
def test_a_night_on_a_cluster_writes_the_same_files(
    master: tuple[str, str], finished: Path, tmp_path: Path
) -> None:
    url, status = master
    workspace = shutil.copytree(finished, tmp_path / "w", symlinks=True)
    with (workspace / "config.toml").open("a") as config:
        config.write('[engine]\nmemory = "1g"\n')
    command = [sys.executable, "-m", "pipeline", "--engine", "spark", "--spark-master", url]
    command += ["score", "--workspace", str(workspace), "--as-of", AS_OF, "--force"]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "pandas" not in run.stderr
    before, after = latest(finished), latest(workspace)
    for name in ("contact_list.csv", "scores.parquet"):
        assert (after / name).read_bytes() == (before / name).read_bytes()
    manifests = [json.loads((night / "manifest.json").read_text()) for night in (before, after)]
    assert [manifest["engine"]["name"] for manifest in manifests] == ["polars", "spark"]
    assert manifests[0]["inputs"] == manifests[1]["inputs"]
    assert (
        wait_for(status, lambda page: page["completedapps"])["completedapps"][0]["state"]
        == "FINISHED"
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
