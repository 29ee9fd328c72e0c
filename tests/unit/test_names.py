"""Names say what a thing is; no module or class name exists twice in the three packages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "pipeline")
# told and found said nothing of what a variable held; place and lived had better words everywhere
BANNED = re.compile(r"(^|_)(told|found|places?|tells?|lived)(_|$)")
# names of the standard library, and a reason code of the platform
ALLOWED = {"FileNotFoundError", "ModuleNotFoundError", "ZoneInfoNotFoundError", "found_cheaper"}


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def names_in(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of each class, function, argument, variable and attribute in `source`."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield line, node.name
        elif isinstance(node, ast.arg):
            yield line, node.arg
        elif isinstance(node, ast.keyword) and node.arg:
            yield line, node.arg
        elif isinstance(node, ast.Name):
            yield line, node.id
        elif isinstance(node, ast.Attribute):
            yield line, node.attr
        elif isinstance(node, ast.alias):
            yield line, node.asname or node.name


def vague_names(source: str) -> list[tuple[int, str]]:
    words = [
        (line, name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
        for line, name in names_in(source)
    ]
    return [
        (line, name) for line, name, word in words if BANNED.search(word) and name not in ALLOWED
    ]


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "class Told: pass",
        "def f(is_told): pass",
        "f(told_costs=1)",
        "x.place",
        "for found in y: pass",
        "import a as tell",
        "FOUND: int = 1",
        "lived_share = 0.5",
    ],
)
def test_a_vague_name_is_reported(source: str) -> None:
    assert vague_names(source)


@pytest.mark.parametrize("source", ["placed_at = 1", "founded = 1", "replace(x)", "foretold = 1"])
def test_a_plain_name_is_not_reported(source: str) -> None:
    assert not vague_names(source)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_vague(package: str) -> None:
    vague = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules()
        if path.relative_to(ROOT).parts[0] == package
        for line, name in vague_names(path.read_text(encoding="utf-8"))
    ]
    assert not vague, "\n".join(vague)


def test_say_functions_only_print_to_the_terminal() -> None:
    """A function called `say` or `say_...` returns nothing: it prints."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and re.match(r"_?say(_|$)", node.name):
                returns = ast.unparse(node.returns) if node.returns else ""
                assert returns == "None", f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"


def test_no_module_and_no_class_name_exists_twice() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        if path.name not in ("__init__.py", "__main__.py"):
            where[f"module {path.stem}"].append(str(path.relative_to(ROOT)))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[f"class {node.name}"].append(str(path.relative_to(ROOT)))
    assert not {name: paths for name, paths in where.items() if len(paths) > 1}
