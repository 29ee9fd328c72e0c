"""What make installs: each package once, at one version, with the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from tests.unit.our_packages import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    """Package -> version."""
    listed = PIN.findall((ROOT / file).read_text(encoding="utf-8"))
    assert len({normal(name) for name, _ in listed}) == len(listed), "a package is twice"
    return {normal(name): version for name, version in listed}


def needed(requirements: list[str]) -> set[str]:
    """The packages that these need here, directly or not, as their own metadata says."""
    left, seen = [Requirement(text) for text in requirements], set()
    while left:
        one = left.pop()
        key = (normal(one.name), *sorted(one.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in distribution(one.name).requires or ():
            inner = Requirement(text)
            extras = [{"extra": extra} for extra in (*one.extras, "")]
            if inner.marker is None or any(inner.marker.evaluate(extra) for extra in extras):
                left.append(inner)
    return {name for name, *_ in seen}


def test_the_lock_has_the_versions_of_the_requirements() -> None:
    assert pins("requirements.lock") == pins("requirements.txt"), "run make lock"


def test_every_package_of_the_lock_has_hashes_and_names_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    parts = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(parts) == len(pins("requirements.lock"))
    assert [part.split("=")[0] for part in parts if not HASH.search(part)] == []
    assert "://" not in text


def test_make_demo_installs_what_the_program_needs_and_nothing_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runs_on = needed(project["project"]["dependencies"])
    assert pins("requirements.txt").keys() == runs_on
    tests_need = needed(project["dependency-groups"]["dev"])
    assert pins("requirements-dev.txt").keys() == tests_need - runs_on


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_installed_versions_are_the_pinned_ones(file: str) -> None:
    given = {name: distribution(name).version for name in pins(file)}
    assert given == pins(file)
