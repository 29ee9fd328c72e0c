"""Messages of the installed command advise what that command can run."""

from __future__ import annotations

import pytest

from pipeline.cli.app import app
from pipeline.cli.command_list import name_of
from pipeline.installation.make_hints import advice, as_command
from pipeline.installation.step_groups import STEPS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("load a store first: make ingest", "load a store first: dispute-risk ingest"),
        (
            "Create it again: make nightly AS_OF=2026-01-01 FORCE=1.",
            "Create it again: dispute-risk nightly --as-of 2026-01-01 --force.",
        ),
        (
            "run make requarantine SOURCE= RAW= WORKSPACE=",
            "run dispute-risk requarantine --source ... --raw ... --workspace ...",
        ),
        ("(make compare CHALLENGERS=1 installs", "(make compare CHALLENGERS=1 installs"),
        ("make sure that it is there, make it again", "make sure that it is there, make it again"),
        ("Run `make demo`.", "Run `make demo`."),
    ],
)
def test_advice_names_the_installed_command(text: str, expected: str) -> None:
    assert as_command(text) == expected


def test_advice_of_a_checkout_names_make() -> None:
    assert advice("Train one: make train WORKSPACE=...") == "Train one: make train WORKSPACE=..."


def test_every_step_that_advice_may_name_exists() -> None:
    groups = {str(group.name) for group in app.registered_groups}
    assert {name_of(command) for command in app.registered_commands} | groups >= STEPS
