"""Only evaluation reads the simulated truth: no step that scores, trains or decides does."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.nights import latest

ROOT = Path(__file__).resolve().parents[3]
# the modules that may read it, in addition to all of pipeline/simulation
MAY_KNOW = {"compare_learners", "evaluate", "product_review_check", "true_product_rates"}
MAY_KNOW |= {"action_candidates", "action_values", "action_seasons", "replay_actions"}
MAY_KNOW |= {"season_learning"}
STEPS = MAY_KNOW | {
    "compare",
    "simulate",
    "replay",
    "realism_page",
    "world_page",
    "products_check",
    "model_page",
}
TRUTH_MODULES = {
    "pipeline.simulation.true_risk",
    "pipeline.simulation.true_product_rates",
    "pipeline.simulation.attainable_risk",
    "pipeline.simulation.knowable_risk",
    "pipeline.simulation.action_outcomes",
    "pipeline.simulation.world",
}


def modules(path: Path) -> set[str]:
    """All modules that a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_only_evaluation_imports_the_simulator_or_its_truth() -> None:
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        folder = path.relative_to(ROOT / "pipeline").parts[0]
        if path.stem in MAY_KNOW or folder in ("simulation", "cli"):
            continue
        truth_imports = {
            module
            for module in modules(path)
            if any(module.startswith(source) for source in TRUTH_MODULES)
        }
        assert not truth_imports, path
        assert '"truth"' not in path.read_text(encoding="utf-8"), path


def test_the_command_line_imports_the_truth_only_inside_allowed_steps() -> None:
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
    """The scores and the list of a night; the workspace's truth is whole, garbage or absent."""

    def night(truth: str) -> dict[str, bytes]:
        workspace = tmp_path / truth
        workspace.mkdir()
        if truth == "whole":
            shutil.copytree(simulated_raw.parent / "truth", workspace / "truth")
        elif truth == "garbage":
            (workspace / "truth").mkdir()
            for name in ("world.json", "orders.parquet", "order_days.parquet"):
                (workspace / "truth" / name).write_bytes(b"\x00garbage")
        do_night(workspace)
        return {
            name: (latest(workspace) / name).read_bytes()
            for name in ("contact_list.csv", "scores.parquet")
        }

    return night


def test_a_night_is_the_same_with_the_truth_present_absent_or_broken(
    night_of: Callable[[str], dict[str, bytes]],
) -> None:
    whole, garbage, absent = night_of("whole"), night_of("garbage"), night_of("absent")
    assert whole == garbage == absent


def test_the_backtest_does_not_read_the_truth(
    workspace: Path, simulated_raw: Path, run_step: Callable
) -> None:
    """The result is the same with and without the truth."""
    nights = ("--workspace", workspace, "--from", "2025-05-01", "--to", "2025-06-10", "--every", 20)
    without = run_step("backtest", *nights)
    assert without.returncode == 0, without.stderr
    shutil.copytree(simulated_raw.parent / "truth", workspace / "truth")
    with_truth = run_step("backtest", *nights)
    first, second = (
        [line for line in run.stdout.splitlines() if " s)" not in line]
        for run in (without, with_truth)
    )
    # the store is a copy, which the first step says
    assert first.pop(0).startswith("note: this workspace was copied or moved")
    assert first == second
