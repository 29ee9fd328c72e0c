"""Imports go one way, the core is pure, and only the clock compares times."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.unit.our_packages import MAY_IMPORT, ROOT, folder_of, sources

# the simulator makes the times, and the sources check that an event does not come before its order
MAKE_OR_CHECK_TIMES = ("pipeline/simulation", "pipeline/sources")
SHELL_ONLY = {
    "mlflow",
    "pathlib",
    "os",
    "time",
    "subprocess",
    "tempfile",
    "shutil",
    "sys",
    "logging",
    "pandas",
    "typer",
    "pyarrow",
    "pyspark",
}
SPARK_FILES = {f"pipeline/engines/{name}.py" for name in ("spark", "spark_session")}
MLFLOW_FILES = {
    f"pipeline/registry/{name}.py"
    for name in (
        "alias_change",
        "judged_versions",
        "logged_model",
        "logged_runs",
        "model_files",
        "model_registry",
        "moved_workspace",
        "pyfunc_model",
        "tracking",
    )
}
TIME_NAME = re.compile(r"(_at|_day|as_of)\b")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    for path in sources(package):
        assert imported(path) & set(MAY_IMPORT) <= MAY_IMPORT[package], path


@pytest.mark.parametrize("package", ["features", "models"])
def test_the_core_is_pure(package: str) -> None:
    for path in sources(package):
        assert not imported(path) & SHELL_ONLY, path


def test_mlflow_is_imported_in_its_own_files_only() -> None:
    users = {str(p.relative_to(ROOT)) for p in sources("pipeline") if "mlflow" in imported(p)}
    assert users == MLFLOW_FILES


def test_spark_is_imported_in_its_own_files_only() -> None:
    assert {
        str(p.relative_to(ROOT)) for p in sources("pipeline") if "pyspark" in imported(p)
    } == SPARK_FILES


def test_only_the_clock_compares_times() -> None:
    for path in [path for package in MAY_IMPORT for path in sources(package)]:
        if path.name == "clock.py" or folder_of(path).startswith(MAKE_OR_CHECK_TIMES):
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Compare) and isinstance(
                node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE
            ):
                compared = ast.get_source_segment(text, node) or ""
                assert (
                    "days_between" in compared
                    or "seconds_between" in compared
                    or not TIME_NAME.search(compared)
                ), f"{path.name}:{node.lineno}: {compared}"


def test_no_module_imports_a_private_name_of_another() -> None:
    for package in MAY_IMPORT:
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                    private = [a.name for a in node.names if re.match(r"_[a-z]", a.name, re.I)]
                    assert not private, f"{path}: {private}"


def test_git_ignores_workspaces_and_not_our_models() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/workspaces/" in lines
    assert "models/" not in lines
