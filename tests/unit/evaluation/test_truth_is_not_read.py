"""What really happened is for evaluation alone: no step that scores, trains or decides can read it,
or does."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.nights import latest

ROOT = Path(__file__).resolve().parents[3]
# the steps that may know it; all of pipeline/simulation may
MAY_KNOW = {"evaluate", "replay", "product_review_check", "true_product_rates", "replay_season"}
STEPS = MAY_KNOW | {"simulate", "realism_page", "world_page", "products_check", "model_page"}
TOLD_BY = {
    "pipeline.simulation.true_risk",
    "pipeline.simulation.true_product_rates",
    "pipeline.simulation.attainable_risk",
    "pipeline.simulation.knowable_risk",
    "pipeline.evaluation.replay_season",
    "pipeline.simulation.world",
}


def modules(path: Path) -> set[str]:
    """All modules that a file names in an import, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_evaluation_knows_the_simulator_or_its_truth() -> None:
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        folder = path.relative_to(ROOT / "pipeline").parts[0]
        if path.stem in MAY_KNOW or folder in ("simulation", "cli"):
            continue
        told = {
            module
            for module in modules(path)
            if any(module.startswith(source) for source in TOLD_BY)
        }
        assert not told, path
        assert '"truth"' not in path.read_text(encoding="utf-8"), path


def test_the_command_line_imports_it_only_inside_the_steps_that_may() -> None:
    files = [*sorted((ROOT / "pipeline" / "cli").glob("*.py")), ROOT / "pipeline" / "__main__.py"]
    for node in [
        node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body
    ]:
        named = {
            n.module.split(".")[-1]
            for n in ast.walk(node)
            if isinstance(n, ast.ImportFrom) and n.module
        }
        if named & STEPS:
            assert isinstance(node, ast.FunctionDef)
            assert node.name in STEPS


@pytest.fixture
def night_of(
    tmp_path: Path, simulated_raw: Path, do_night: Callable[..., Path]
) -> Callable[[str], dict[str, bytes]]:
    """The scores and the list of a night in a workspace whose truth is whole, garbage or absent."""

    def night(truth: str) -> dict[str, bytes]:
        place = tmp_path / truth
        place.mkdir()
        if truth == "whole":
            shutil.copytree(simulated_raw.parent / "truth", place / "truth")
        elif truth == "garbage":
            (place / "truth").mkdir()
            for name in ("world.json", "orders.parquet", "order_days.parquet"):
                (place / "truth" / name).write_bytes(b"\x00garbage")
        do_night(place)
        return {
            name: (latest(place) / name).read_bytes()
            for name in ("contact_list.csv", "scores.parquet")
        }

    return night


def test_a_night_is_the_same_with_the_truth_there_gone_or_spoiled(
    night_of: Callable[[str], dict[str, bytes]],
) -> None:
    whole, garbage, absent = night_of("whole"), night_of("garbage"), night_of("absent")
    assert whole == garbage == absent


def test_the_backtest_leaves_the_truth_alone(
    workspace: Path, simulated_raw: Path, run_step: Callable
) -> None:
    """Its result is the same with and without; only `evaluate` says that it needs the truth."""
    nights = ("--workspace", workspace, "--from", "2025-05-01", "--to", "2025-06-10", "--every", 20)
    without = run_step("backtest", *nights)
    assert without.returncode == 0, without.stderr
    shutil.copytree(simulated_raw.parent / "truth", workspace / "truth")
    told = run_step("backtest", *nights)
    drop = [line for line in told.stdout.splitlines() if " s)" not in line]
    assert drop == [line for line in without.stdout.splitlines() if " s)" not in line]
