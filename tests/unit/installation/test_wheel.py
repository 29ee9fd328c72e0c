"""The wheel holds the whole program, and its command works from any folder."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispute_risk import EXIT_CODE
from pipeline.installation.release import VERSION
from pipeline.settings.errors import ForeignPackage
from tests.unit.conftest import FAST, HANGS_SECONDS
from tests.unit.our_packages import MAY_IMPORT, ROOT

# what setuptools needs to build the wheel
BUILT_FROM = ("dispute_risk.py", "pyproject.toml", "README.md", "LICENSE")
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
SHOW_ALL_HELP = """
from typer.main import get_command
from typer.testing import CliRunner
from pipeline.cli.app import app
from pipeline.installation.step_groups import STEPS
for name in sorted(STEPS):
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0 and "--help" in shown.output, (name, shown.output)
    print(name)
"""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and the wheel."""

    wheel: Path
    folder: Path

    @property
    def packages(self) -> Path:
        """The folder into which pip put the packages."""
        return next(self.folder.glob("lib/python*/site-packages"))

    def run(
        self, program: str, *arguments: object, at: Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder `at`."""
        clean = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [str(self.folder / "bin" / program), *map(str, arguments)],
            cwd=at,
            env={**clean, "COLUMNS": "80", "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            timeout=HANGS_SECONDS,
            check=False,
        )

    def must_run(self, *arguments: object, at: Path) -> str:
        """The output of `dispute-risk`, which must succeed."""
        ended = self.run("dispute-risk", *arguments, at=at)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout in a fresh environment, which also sees the tested packages."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    for package in MAY_IMPORT:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source / name)
    built = [*PIP, "wheel", "--no-deps", "--wheel-dir", str(folder / "dist"), str(source)]
    subprocess.run(built, check=True, timeout=HANGS_SECONDS)
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = folder / "environment"
    create = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
    subprocess.run(create, check=True, timeout=HANGS_SECONDS)
    made = Installed(wheel, environment)
    (made.packages / "tested.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    python = str(environment / "bin" / "python")
    install = [*PIP, "--python", python, "install", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run(install, check=True, timeout=HANGS_SECONDS)
    return made


def test_the_wheel_holds_every_file_of_the_packages(installed: Installed) -> None:
    held = set(zipfile.ZipFile(installed.wheel).namelist())
    files = [path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.*")]
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in held if ".dist-info/" not in name} == expected | {"dispute_risk.py"}
    assert {f"{package}/py.typed" for package in MAY_IMPORT} <= held


def test_the_command_says_its_version(installed: Installed, tmp_path: Path) -> None:
    assert installed.must_run("--version", at=tmp_path) == f"dispute-risk {VERSION}\n"
    assert installed.wheel.name.startswith(f"dispute_risk-{VERSION}-")


def test_every_step_shows_its_help(installed: Installed, tmp_path: Path) -> None:
    shown = installed.run("python", "-c", SHOW_ALL_HELP, at=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "nightly" in shown.stdout.splitlines()


def test_a_shell_completes_the_steps(installed: Installed, tmp_path: Path) -> None:
    assert "--install-completion" in installed.must_run("--help", at=tmp_path)
    asked = {"_DISPUTE_RISK_COMPLETE": "complete_bash", "COMP_WORDS": "dispute-risk night"}
    ended = installed.run("dispute-risk", at=tmp_path, COMP_CWORD="1", **asked)
    assert ended.stdout.split() == ["nightly"], ended.stderr


def test_zsh_completes_the_steps_with_what_they_do(installed: Installed, tmp_path: Path) -> None:
    asked = {"_DISPUTE_RISK_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "dispute-risk night"}
    ended = installed.run("dispute-risk", at=tmp_path, **asked)
    assert '"nightly":"Load, score and list' in ended.stdout, ended.stderr


def test_a_store_goes_from_raw_files_to_its_list_in_an_empty_folder(
    installed: Installed, tmp_path: Path
) -> None:
    night = ("--workspace", "store", "--as-of", "2025-07-10")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "config.toml").write_text(FAST)
    store = ("--orders", 1500, "--first", "2025-01-01", "--days", 200)
    installed.must_run("simulate", *night[:2], *store, at=tmp_path)
    files = ("--source", "canonical", "--raw", "store/raw")
    installed.must_run("ingest", *night[:2], *files, at=tmp_path)
    installed.must_run("train", *night, at=tmp_path)
    shown = installed.must_run("score", *night, at=tmp_path)
    assert "buyers with an action" in shown
    run = tmp_path / "store" / "runs" / "2025-07-10" / "latest"
    assert (run / "report.html").stat().st_size > 10_000
    assert {path.name for path in tmp_path.iterdir()} == {"store"}


def test_a_fault_names_the_command(installed: Installed, tmp_path: Path) -> None:
    ended = installed.run("dispute-risk", "rollback", "--workspace", "none", at=tmp_path)
    assert ended.returncode == 10
    assert ended.stderr.startswith("dispute-risk: ")
    assert ended.stderr.rstrip().endswith("dispute-risk ingest")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("step", "words"), [("docs-reference", "in a checkout"), ("notebooks", "from a checkout")]
)
def test_a_step_that_needs_a_checkout_says_so(
    installed: Installed, tmp_path: Path, step: str, words: str
) -> None:
    options = ("--workspace", "store", "--as-of", "2025-07-10") if step == "notebooks" else ()
    (tmp_path / "store" / "runs" / "2025-07-10").mkdir(parents=True)
    (tmp_path / "store" / "tables").mkdir()
    ended = installed.run("dispute-risk", step, *options, at=tmp_path)
    assert ended.returncode == 10
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_package_of_another_distribution_is_named(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    facts = tmp_path / "other_shop-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: other-shop\nVersion: 1.0\n")
    (facts / "top_level.txt").write_text("models\n")
    ended = installed.run("dispute-risk", "--version", at=tmp_path, PYTHONPATH=str(tmp_path))
    assert ended.returncode == EXIT_CODE == ForeignPackage.exit_code
    assert f"takes the package models from {tmp_path / 'models'}" in ended.stderr
    assert "other-shop" in ended.stderr
    assert "environment of its own" in ended.stderr


@pytest.mark.parametrize("is_removed", [False, True], ids=["overwritten", "removed"])
def test_a_package_that_another_distribution_changed_is_named(
    installed: Installed, tmp_path: Path, is_removed: bool
) -> None:
    copied = shutil.copytree(installed.packages, tmp_path / "packages")
    start = copied / "features" / "__init__.py"
    if is_removed:
        start.unlink()
    else:
        start.write_text('"""Features of another program."""\n')
    ended = installed.run(
        "python", "-m", "dispute_risk", "--version", at=tmp_path, PYTHONPATH=str(copied)
    )
    assert ended.returncode == EXIT_CODE
    assert "features" in ended.stderr
    assert "Traceback" not in ended.stderr
