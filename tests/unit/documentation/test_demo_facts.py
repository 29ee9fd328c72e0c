"""The committed pictures and notebook outputs show what `make demo` gives now."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from pipeline.documentation.demo_facts import demo_facts, read_demo_facts
from pipeline.documentation.docs_pictures import PICTURES
from pipeline.evaluation.run_notebooks import NOTEBOOKS
from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import ROOT

FIRST_DAY, DAYS = date(2024, 1, 1), 731
# the page's charts and rates do not change the list
QUICK = "page = {charts = false, indicator_weeks = 0}\n"


def demo_settings() -> tuple[int, date]:
    """(orders, night) of the demo, from its recipe in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\ndemo:")[1].split("\n\n")[0]
    orders, as_of = re.search(r"--orders (\d+)", recipe), re.search(r"--as-of (\S+)", recipe)
    assert orders
    assert as_of
    return int(orders[1]), date.fromisoformat(as_of[1])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The facts of the demo's night, made as `make demo` makes it."""
    workspace = Workspace(tmp_path_factory.mktemp("demo"))
    (workspace.folder / "config.toml").write_text(QUICK, encoding="utf-8")
    config, (orders, as_of) = load_config(workspace.folder), demo_settings()
    raw = simulate(workspace, config, Progress(), orders=orders, first=FIRST_DAY, days=DAYS)
    with workspace.locked():
        nightly(
            workspace, config, Progress(), as_of=as_of, source="canonical", raw=raw, is_forced=False
        )
    return demo_facts(workspace, as_of)


@pytest.mark.parametrize(
    ("folder", "target"),
    [(PICTURES, "docs-pictures"), (NOTEBOOKS, "docs-notebooks")],
    ids=["pictures", "notebooks"],
)
def test_the_committed_facts_are_those_of_the_demo(
    demo: dict[str, object], folder: Path, target: str
) -> None:
    assert read_demo_facts(folder) == demo, f"run: make demo {target}"
