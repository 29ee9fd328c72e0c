"""Imports go one way, the core is pure, and only the clock compares times."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "features": {"features"},
    "models": {"features", "models"},
    "pipeline": {"features", "models", "pipeline"},
}
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
SPARK_FILES = {"pipeline/engines/spark.py"}
MLFLOW_FILES = {"pipeline/registry/model_registry.py", "pipeline/registry/pyfunc_model.py"}
TIME_NAME = re.compile(r"(_at|_day|as_of)\b")


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


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


def test_spark_is_imported_in_its_own_file_only() -> None:
    assert {
        str(p.relative_to(ROOT)) for p in sources("pipeline") if "pyspark" in imported(p)
    } == SPARK_FILES


def test_only_the_clock_compares_times() -> None:
    for path in [*sources("features"), *sources("models")]:
        if path.name == "clock.py":
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


def test_git_ignores_workspaces_and_not_our_models() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/workspaces/" in lines
    assert "models/" not in lines


def test_the_readme_has_the_list_that_make_prints() -> None:
    told = re.findall(
        r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("## Every target")[1].split("```")[1].strip().splitlines()
    assert block == [f"make {name:<17} {says}" for name, says in told]


def test_every_target_is_told_of_and_every_target_told_of_exists() -> None:
    targets = set(
        re.findall(
            r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "notebooks" / "README.md"]
    texts = [
        re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for page in pages
    ]
    named = {name for text in texts for name in re.findall(r"`make ([a-z-]+)", text)}
    assert named <= targets
    # what people use is explained somewhere, not only listed
    assert targets - named <= {"help", "demo", "test"}


def test_the_pages_link_to_what_is_there() -> None:
    for page in [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "notebooks" / "README.md",
    ]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
