"""Every package that a lock file installs has a licence that docs/reference/licences.md accepts."""

from __future__ import annotations

import re
from importlib.metadata import metadata

import pytest

from tests.unit.installation.test_pinned_packages import LOCKED, normal, pins
from tests.unit.our_packages import ROOT

PAGE = ROOT / "docs" / "reference" / "licences.md"
ROW = re.compile(r"^\| ([A-Za-z0-9._-]+) \| ([^|]+) \|$", re.MULTILINE)
NOT_SIGNED_OFF = {"requirements-spark.txt", "requirements-challengers.txt"}
# environments of their own, in which no program runs
TOOLS = {"requirements-docs.txt", "requirements-uv.txt"}
TESTS_ONLY = "requirements-dev.txt"
PERMISSIVE = set(
    "MIT MIT-0 MIT-CMU BSD-2-Clause BSD-3-Clause ISC Zlib 0BSD CC0-1.0 PSF-2.0 ZPL-2.1 "
    "Apache-2.0 LLVM-exception".split()
)
WITH_CONDITIONS = {"MPL-2.0", "LGPL-2.1", "LGPL-3.0-only"}
OF_TESTS = {"EPL-2.0", "GPL-2.0-or-later"}
# how packages without an SPDX expression write their licence
SPDX = {
    "mit": "MIT",
    "mit license": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "bsd license": "BSD",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "epl-2.0 or gpl-2.0-or-later": "EPL-2.0 OR GPL-2.0-or-later",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl-2.0": "MPL-2.0",
    "mpl-2.0 and mit": "MPL-2.0 AND MIT",
    "psf-2.0": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "zpl 2.1": "ZPL-2.1",
}


def declared(package: str) -> str | None:
    """The licence in the package's own metadata; "BSD" without its kind, None if it says none."""
    facts = metadata(package)
    if expression := facts.get("License-Expression"):
        return str(expression)
    line = (str(facts.get("License") or "").strip().splitlines() or [""])[0]
    classes = [text for text in facts.get_all("Classifier", []) if text.startswith("License ::")]
    names = {SPDX.get(text.rsplit("::")[-1].strip().lower()) for text in classes} - {None}
    exact = SPDX.get(line.strip().lower())
    return exact or (names.pop() if len(names) == 1 else None)


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    _, packages = PAGE.read_text(encoding="utf-8").split("## The program", 1)
    rows = ROW.findall(packages)
    licences = {normal(name): licence for name, licence in rows if name != "package"}
    assert len(licences) > 100
    return licences


@pytest.mark.parametrize("file", sorted(set(LOCKED) - NOT_SIGNED_OFF - TOOLS))
def test_every_locked_package_has_an_accepted_licence(file: str, listed: dict[str, str]) -> None:
    accepted = PERMISSIVE | WITH_CONDITIONS | (OF_TESTS if file == TESTS_ONLY else set())
    for package in pins(file):
        assert package in listed, f"{package}: read its licence and list it on {PAGE.name}"
        parts = set(re.split(r" (?:AND|OR|WITH) ", listed[package]))
        assert parts <= accepted, (package, listed[package])


def test_the_program_itself_uses_no_licence_with_a_claim_on_it(listed: dict[str, str]) -> None:
    assert not [name for name in pins("requirements.txt") if "GPL" in listed[name]]


def test_the_page_has_the_licence_that_a_package_declares(listed: dict[str, str]) -> None:
    for package, licence in listed.items():
        own = declared(package)
        if own is not None:
            assert licence == own or (own == "BSD" and licence.startswith("BSD-")), (package, own)


def test_the_page_lists_no_package_that_is_gone(listed: dict[str, str]) -> None:
    assert listed.keys() <= {name for file in LOCKED for name in pins(file)}
