"""Imports go one way, the core is pure, only the clock compares times, and folders stay small."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "features": {"features"},
    "models": {"features", "models"},
    "pipeline": {"features", "models", "pipeline"},
}
# a folder of modules, and the folders that it imports from; a new arrow is a decision
FOLDERS = """
features
features/build              features features/families features/totals
features/families           features features/totals
features/indicators         features
features/totals             features
models
models/comparison           features models/contact models/learner
models/contact              features models/learner
models/indicators           features features/indicators
models/learner              features features/build models/monitoring
models/monitoring           features
models/product              features features/indicators
models/reasons              features models/learner
pipeline                    pipeline/cli pipeline/settings pipeline/workspace
pipeline/board              pipeline/load pipeline/output pipeline/pages pipeline/settings
                            pipeline/workspace
pipeline/cli                pipeline/board pipeline/documentation pipeline/evaluation
                            pipeline/indicators pipeline/load pipeline/night pipeline/pages
                            pipeline/product_review pipeline/settings pipeline/simulation
                            pipeline/simulation/realism pipeline/sources pipeline/training
                            pipeline/workspace
pipeline/documentation      features/indicators pipeline/evaluation pipeline/night
                            pipeline/settings pipeline/workspace
pipeline/drafts             features features/indicators models/contact pipeline/settings
                            pipeline/workspace
pipeline/engines            features features/build features/totals pipeline/settings
                            pipeline/workspace
pipeline/evaluation         features features/build features/indicators models/comparison
                            models/contact models/indicators models/learner models/product
                            models/reasons pipeline/engines pipeline/history
                            pipeline/indicators pipeline/output pipeline/product_review
                            pipeline/registry pipeline/settings pipeline/simulation
                            pipeline/simulation/realism pipeline/simulation/world
                            pipeline/training pipeline/workspace
pipeline/history            features models/contact models/learner pipeline/settings
                            pipeline/workspace
pipeline/indicators         features features/indicators models/indicators pipeline/drafts
                            pipeline/output pipeline/settings pipeline/workspace
pipeline/load               features pipeline/output pipeline/settings pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/database
                            pipeline/sources/mapped pipeline/sources/tracking
                            pipeline/workspace
pipeline/night              features features/build models/contact models/learner
                            models/monitoring models/reasons pipeline/drafts pipeline/engines
                            pipeline/history pipeline/indicators pipeline/load pipeline/output
                            pipeline/pages pipeline/registry pipeline/settings
                            pipeline/sources pipeline/training pipeline/workspace
pipeline/output             features models/contact
pipeline/pages              features features/indicators models/comparison models/indicators
                            models/product models/reasons pipeline/history pipeline/indicators
                            pipeline/output pipeline/settings pipeline/workspace
pipeline/product_review     features features/indicators models/product pipeline/output
                            pipeline/pages pipeline/settings pipeline/sources
                            pipeline/workspace
pipeline/registry           features/build models/learner pipeline/settings pipeline/workspace
pipeline/settings           features features/indicators models/contact models/learner
pipeline/simulation         features pipeline/settings pipeline/simulation/exports
                            pipeline/simulation/world pipeline/workspace
pipeline/simulation/exports
pipeline/simulation/realism pipeline/settings pipeline/simulation pipeline/simulation/world
                            pipeline/workspace
pipeline/simulation/world   features
pipeline/sources            features pipeline/output pipeline/settings
pipeline/sources/aliexpress features pipeline/settings pipeline/sources
                            pipeline/sources/mapped pipeline/workspace
pipeline/sources/database   pipeline/output pipeline/settings pipeline/sources
                            pipeline/sources/mapped pipeline/workspace
pipeline/sources/mapped     features pipeline/settings pipeline/sources
pipeline/sources/tracking   features pipeline/settings pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/mapped
pipeline/training           features features/build models/comparison models/learner
                            pipeline/engines pipeline/history pipeline/registry
                            pipeline/settings pipeline/workspace
pipeline/workspace          features pipeline/settings
"""
# the simulator makes the times, and the sources check that an event does not come before its order
MAKE_OR_CHECK_TIMES = ("pipeline/simulation", "pipeline/sources")
MOST_MODULES = 16
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


def folder_of(path: Path) -> str:
    return path.parent.relative_to(ROOT).as_posix()


def imported_folders(path: Path) -> set[str]:
    """The folders of our own packages that a file imports modules or names from."""
    folders = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MAY_IMPORT:
            for alias in node.names:
                module = ROOT.joinpath(*(node.module or "").split("."), alias.name)
                is_module = module.is_dir() or module.with_suffix(".py").exists()
                target = module if is_module else module.parent
                folder = target if target.is_dir() else target.parent
                folders.add(folder.relative_to(ROOT).as_posix())
    return folders - {folder_of(path)}


def allowed_arrows() -> dict[str, set[str]]:
    """The table `FOLDERS`; an indented line goes on with the folder above it."""
    arrows: dict[str, set[str]] = {}
    for line in FOLDERS.strip().splitlines():
        names = line.split()
        if not line.startswith(" "):
            folder, *names = names
            arrows[folder] = set()
        arrows[folder] |= set(names)
    return arrows


def test_folders_import_only_what_the_table_allows() -> None:
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in [path for package in MAY_IMPORT for path in sources(package)]:
        arrows[folder_of(path)] |= imported_folders(path)
    allowed = allowed_arrows()
    changes = [
        *(f"no line for {folder}" for folder in sorted(arrows.keys() - allowed.keys())),
        *(f"no folder {folder}" for folder in sorted(allowed.keys() - arrows.keys())),
        *(
            f"{folder}: {verb} {' '.join(sorted(targets))}"
            for folder in sorted(arrows.keys() & allowed.keys())
            for verb, targets in (
                ("imports also", arrows[folder] - allowed[folder]),
                ("no longer imports", allowed[folder] - arrows[folder]),
            )
            if targets
        ),
    ]
    assert not changes, "FOLDERS differs from the code:\n" + "\n".join(changes)


def test_no_two_folders_import_each_other() -> None:
    """Folders can be put in an order in which each imports only earlier ones."""
    left = allowed_arrows()
    while left:
        free = [folder for folder, targets in left.items() if not targets & left.keys()]
        assert free, f"these folders import each other in a circle: {sorted(left)}"
        for folder in free:
            del left[folder]


def test_pipeline_holds_only_folders() -> None:
    assert {path.name for path in (ROOT / "pipeline").glob("*.py")} == {
        "__init__.py",
        "__main__.py",
    }


def test_folders_stay_small_and_say_what_lives_in_them() -> None:
    folders = {path.parent for package in MAY_IMPORT for path in sources(package)}
    for folder in sorted(folders):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, folder
        about = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert about, folder
        assert len(about) > 60, f"{folder}/__init__.py needs a paragraph"


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


def test_every_target_in_the_docs_exists_and_every_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    written = [page for page in pages() if page.parent.name != "reference"]
    named = {
        name
        for page in written
        for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", code_of(page.read_text("utf-8")))
    }
    assert named <= targets, "the pages name targets that the Makefile does not have"
    assert targets - named <= {"help"}, "write about these targets in a page outside reference/"


def pages() -> list[Path]:
    """All pages that people read in the repository."""
    root = [*ROOT.glob("*.md"), ROOT / "notebooks" / "README.md"]
    return [*sorted((ROOT / "docs").rglob("*.md")), *root]


def code_of(markdown: str) -> str:
    """The code of a page: its fenced blocks and what is between backticks."""
    blocks = re.findall(r"```.*?```", markdown, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`]+)`", prose)])


def test_the_pages_link_to_what_is_there() -> None:
    for page in [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "notebooks" / "README.md",
    ]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
