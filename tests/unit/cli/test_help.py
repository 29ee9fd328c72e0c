"""The list of steps: ordered, grouped, one line each, with the options that make needs too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.cli.command_list import listed, name_of, required_options
from pipeline.installation.step_groups import GROUPS, STEPS
from tests.unit.nights import AS_OF, ROOT

COMMANDS = {name_of(command): command for command in app.registered_commands}
# what make adds by itself: a folder or a night of its own
MADE_UP_BY_MAKE = {"WORKSPACE"}
# the words that call each step: "config show" is two
ALL: Any = get_command(app)
COMMAND_OF: dict[tuple[str, ...], Any] = {(name,): ALL.commands[name] for name in STEPS}
CONFIG = COMMAND_OF.pop(("config",))
COMMAND_OF |= {("config", name): step for name, step in CONFIG.commands.items()}
EVERY_HELP = sorted(COMMAND_OF)
NARROW = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}


def shown(*arguments: str) -> list[str]:
    answer = CliRunner().invoke(app, list(arguments), env=NARROW)
    assert answer.exit_code == 0
    return answer.output.splitlines()


def test_every_step_has_one_line_in_its_group() -> None:
    lines = shown("--help")
    for group, texts in GROUPS.items():
        heading = next(at for at, line in enumerate(lines) if f" {group} " in line)
        for row, name in enumerate(texts, start=1):
            assert lines[heading + row].startswith(f"│ {name} "), lines[heading + row]


def test_a_line_ends_with_the_required_options() -> None:
    text = "\n".join(shown("--help"))
    assert "Load, score and list in one step: WORKSPACE AS_OF" in text
    assert re.search(r"contacts .*: WORKSPACE FILE", text)
    assert re.search(r"compare-products .*: WORKSPACE AS_OF A B", text)


def test_make_names_the_required_options_in_the_same_way() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z-]+):.*## (.*)$", makefile, re.MULTILINE))
    for name in STEPS & targets.keys() & COMMANDS.keys():
        step = COMMANDS[name].callback
        assert step
        named = set(re.findall(r"\b([A-Z_]+)=", targets[name])) | MADE_UP_BY_MAKE
        assert set(required_options(step)) <= named, name


def test_no_step_is_without_a_line() -> None:
    visible = {name for name, command in COMMANDS.items() if not command.hidden}
    assert visible <= STEPS, "add a line to GROUPS in pipeline/installation/step_groups.py"


def test_a_step_without_a_line_is_listed_last() -> None:
    some = app.registered_commands[0]
    new = type(some)(callback=some.callback, name="unheard-of")
    assert [name_of(command) for command in listed([new, some])] == [name_of(some), "unheard-of"]


def test_brackets_in_the_help_are_shown() -> None:
    assert any("[deliver]" in line for line in shown("deliver", "--help"))
    assert any("only this target of [deliver]" in line for line in shown("deliver", "--help"))


def test_a_value_is_a_word_and_a_flag_has_none() -> None:
    text = "\n".join(shown("board-user", "--help"))
    assert re.search(r"--login +TEXT +name of the user", text)
    assert re.search(r"--token +make a token", text)


def test_names_to_choose_from_are_not_broken_at_the_edge() -> None:
    """In the column of values, typer breaks a list of choices inside a word."""
    choices = {
        "kpi": "category, product, country, carrier, supplier or lane",
        "ingest": "aliexpress, canonical, database, mapped or olist",
    }
    for step, names in choices.items():
        # the last column: typer puts at least two spaces before it
        texts = [re.split(r" {2,}", line.strip(" │"))[-1] for line in shown(step, "--help")]
        assert names in " ".join(texts)


@pytest.mark.parametrize("path", EVERY_HELP, ids=" ".join)
def test_a_help_is_for_a_new_user(path: tuple[str, ...]) -> None:
    """One sentence first, then what is read and written; every option has a text; nothing of
    Python, of make or of the source code."""
    lines = [line.strip(" │") for line in shown(*path, "--help")]
    first = next(at for at, line in enumerate(lines) if line.startswith("Usage:")) + 2
    summary = " ".join(lines[first : lines.index("", first)])
    assert re.fullmatch(r"[A-Z][^.]+\.", summary), summary
    text = " ".join(lines)
    assert "show this help, and end" in text
    # typer shows the type of an argument, whatever its metavar
    options = " ".join(line for line in lines if not line.startswith("*    KEY"))
    assert not re.search(r"<(bool|str|path|int|float|list)\b", options), options
    assert not re.search(r"\b(?!KEY=|LANE=)[A-Z_]{2,}=", text), "a variable of make"
    assert not re.search(r"docs/|\.py\b|\b(None|DataFrame|callback|kwargs|dict)\b", text), text
    for option in COMMAND_OF[path].params:
        assert option.help or option.name == "key", option.name


@pytest.mark.parametrize("path", EVERY_HELP, ids=" ".join)
def test_brackets_of_a_docstring_reach_the_user(path: tuple[str, ...]) -> None:
    step = COMMAND_OF[path].callback
    assert step is not None
    written = set(re.findall(r"\[\w+\]", step.__doc__ or ""))
    text = "\n".join(shown(*path, "--help"))
    assert all(name in text for name in written), written


def test_the_help_loads_no_library_of_tables() -> None:
    """Polars, numpy, scipy and pydantic take a second to load; a step loads what it needs."""
    code = "import sys, pipeline.__main__; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "typer" in loaded
    assert not {"polars", "pydantic", "numpy", "scipy", "mlflow"} & set(loaded)


def test_a_night_that_is_done_loads_no_model(finished: Path) -> None:
    """LightGBM and MLflow take three seconds to load; cron starts done nights again and again."""
    step = [sys.executable, "-X", "importtime", "-m", "pipeline", "nightly"]
    ended = subprocess.run(
        [*step, "--workspace", finished, "--as-of", AS_OF],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is already done" in ended.stdout
    loaded = {line.split("|")[-1].strip() for line in ended.stderr.splitlines()}
    assert "polars" in loaded
    assert not {"lightgbm", "mlflow", "scipy", "pandas"} & loaded


def test_the_version_is_that_of_the_release() -> None:
    from pipeline.installation.release import VERSION

    assert shown("--version") == [f"dispute-risk {VERSION}"]
