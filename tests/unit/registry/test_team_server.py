"""With MLFLOW_TRACKING_URI set, the models are on the team's server, by store."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from pipeline.registry.model_registry import find_model, register_model, require_champion
from pipeline.registry.tracking import SERVER, client_of, tracking_uri
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, NoDatabase
from pipeline.training.walk_forward import past_nights
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT
from tests.unit.sources.database.servers import PASSWORD, POSTGRES, _free_port, postgres

LEARNED = date(2025, 5, 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server with a PostgreSQL database; with SQLite where there is no PostgreSQL."""
    folder = tmp_path_factory.mktemp("server")
    with ExitStack() as stack:
        backend = f"sqlite:///{folder}/server.db"
        if POSTGRES:
            database = stack.enter_context(postgres())
            backend = f"postgresql+psycopg://reader:{PASSWORD}@127.0.0.1:{database.port}/shop"
        port = _free_port()
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--workers",
            "1",
        ]
        command += ["--port", str(port), "--backend-store-uri", backend]
        command += ["--artifacts-destination", str(folder / "files")]
        # its job runners start eight more processes
        quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, start_new_session=True, env=quiet
            )
        try:
            end = time.monotonic() + 120
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > end:
                        raise RuntimeError((folder / "log").read_text()[-2000:]) from None
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_the_models_of_two_stores_are_on_the_server(
    server: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = require_champion(Workspace(finished)).model
    first, second = tmp_path / "shop one", tmp_path / "two"
    for folder in (first, second):
        shutil.copytree(finished, folder, symlinks=True)
    store, config = Workspace(first), load_config(first)
    before = (first / "mlflow.db").read_bytes()
    files = sorted((first / "mlartifacts").rglob("*"))
    _, _, rows = past_nights(store.read_tables(), config, first=LEARNED, last=LEARNED, every=1)
    monkeypatch.setenv(SERVER, server)
    assert tracking_uri(store) == server
    assert find_model(store) is None
    register_model(
        store,
        model,
        alias="champion",
        example=rows.head(5),
        params={"seed": 7},
        metrics={},
        tags={"trained_as_of": NIGHT.isoformat()},
    )
    found = require_champion(store)
    assert found.model.to_text() == model.to_text()
    assert client_of(store).get_registered_model("dispute-risk-shop one").aliases
    assert find_model(Workspace(second)) is None, "another store has models of its own"
    with (second / "config.toml").open("r+") as settings:
        text = settings.read()
        settings.seek(0)
        settings.write('model_name = "dispute-risk-shop one"\n' + text)
    assert require_champion(Workspace(second)).run_id == found.run_id
    assert (first / "mlflow.db").read_bytes() == before
    assert sorted((first / "mlartifacts").rglob("*")) == files
    monkeypatch.delenv(SERVER)
    assert require_champion(store).run_id != found.run_id


def test_a_server_that_does_not_answer_is_reported(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SERVER, f"http://somebody:secret@127.0.0.1:{_free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(NoDatabase, match="Check the address and that the server runs") as refusal:
        find_model(Workspace(finished))
    assert refusal.value.exit_code == 18
    assert "secret" not in str(refusal.value)


def test_an_address_that_is_no_server_is_refused(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SERVER, "./mlruns")
    with pytest.raises(BadInput, match="neither a server nor a database"):
        find_model(Workspace(finished))
