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


# requirements-release.txt names tools alone, for an environment that no program runs in
LOCKED = sorted(path.name for path in ROOT.glob("requirements*.txt") if "release" not in path.name)
CONNECTIONS = ("databases", "s3", "sftp", "stripe")
# what the shared environment of the tests has
TESTED = [
    "requirements.txt",
    "requirements-connections.txt",
    "requirements-mlflow-ui.txt",
    "requirements-dev.txt",
]


def lock_of(file: str) -> str:
    return file.removesuffix(".txt") + ".lock"


@pytest.mark.parametrize("file", LOCKED)
def test_the_lock_has_the_versions_of_the_requirements(file: str) -> None:
    assert pins(lock_of(file)) == pins(file), "run make lock"


@pytest.mark.parametrize("file", LOCKED)
def test_every_package_of_the_lock_has_hashes_and_names_no_address(file: str) -> None:
    text = (ROOT / lock_of(file)).read_text(encoding="utf-8")
    parts = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(parts) == len(pins(lock_of(file)))
    assert [part.split("=")[0] for part in parts if not HASH.search(part)] == []
    assert "://" not in text


def test_make_demo_installs_what_the_program_needs_and_nothing_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    runs_on = needed(project["project"]["dependencies"])
    assert pins("requirements.txt").keys() == runs_on
    connect = needed([text for extra in CONNECTIONS for text in extras[extra]]) - runs_on
    assert pins("requirements-connections.txt").keys() == connect
    shows = needed(extras["mlflow-ui"]) - runs_on
    assert pins("requirements-mlflow-ui.txt").keys() == shows
    tests_need = needed(project["dependency-groups"]["dev"])
    assert pins("requirements-dev.txt").keys() == tests_need - runs_on - connect - shows


def test_a_package_in_two_files_has_one_version() -> None:
    # the documentation is built in an environment of its own
    seen: dict[str, str] = {}
    for file in set(LOCKED) - {"requirements-docs.txt"}:
        for name, version in pins(file).items():
            assert seen.setdefault(name, version) == version, (name, file)


def test_make_demo_is_spared_what_only_optional_parts_need() -> None:
    heavy = {"mlflow", "matplotlib", "boto3", "paramiko", "psycopg", "pymysql", "pyspark"}
    assert not heavy & pins("requirements.txt").keys()


@pytest.mark.parametrize("file", TESTED)
def test_the_installed_versions_are_the_pinned_ones(file: str) -> None:
    given = {name: distribution(name).version for name in pins(file)}
    assert given == pins(file)
