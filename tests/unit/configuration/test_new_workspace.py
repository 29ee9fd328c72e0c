"""A workspace is made by five questions, from answers at the terminal or from options."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from pipeline.configuration.new_workspace import Answers, guessed_source, make_workspace
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput

GIVEN = {"raw": "raw", "source": "canonical", "zone": "UTC", "policy": "ebay", "capacity": "9"}


def init(folder: Path, typed: str = "", **options: str) -> Result:
    arguments = [part for name, text in options.items() for part in (f"--{name}", text)]
    return CliRunner().invoke(app, ["init", "--workspace", str(folder), *arguments], input=typed)


def test_options_answer_all_questions(tmp_path: Path) -> None:
    made = init(tmp_path / "store", **GIVEN)
    assert made.exit_code == 0
    config = load_config(tmp_path / "store")
    assert (config.sources.store_zone, config.policy, config.decide.capacity) == ("UTC", "ebay", 9)
    assert "make doctor SOURCE=canonical RAW=raw" in made.output


def test_return_takes_the_defaults(tmp_path: Path) -> None:
    made = init(tmp_path / "store", typed="\n" * 5)
    assert made.exit_code == 0
    assert load_config(tmp_path / "store") == load_config(tmp_path / "none")


def test_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    typed = "\n\nAtlantis\nEurope/Berlin\n\n0\n30\n"
    made = init(tmp_path / "store", typed=typed)
    assert made.exit_code == 0
    assert "is not a time zone" in made.output
    config = load_config(tmp_path / "store")
    assert (config.sources.store_zone, config.decide.capacity) == ("Europe/Berlin", 30)


@pytest.mark.parametrize("option", GIVEN)
def test_a_wrong_option_writes_nothing(tmp_path: Path, option: str) -> None:
    wrong = {**GIVEN, option: " " if option == "raw" else "none-such"}
    made = init(tmp_path / "store", **wrong)
    assert isinstance(made.exception, BadInput)
    assert not (tmp_path / "store").exists()


def test_without_a_terminal_the_missing_answer_is_named(tmp_path: Path) -> None:
    made = init(tmp_path / "store", **{k: v for k, v in GIVEN.items() if k != "zone"})
    assert made.exit_code == 2
    assert "ZONE" in made.output
    assert not (tmp_path / "store").exists()


def test_an_existing_workspace_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("seed = 3\n")
    with pytest.raises(BadInput, match="Nothing was changed"):
        make_workspace(tmp_path, Answers(**GIVEN))
    assert (tmp_path / "config.toml").read_text() == "seed = 3\n"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("database.toml", "database"),
        ("mapping.toml", "mapped"),
        ("olist_orders_dataset.csv", "olist"),
        ("orders.csv", "canonical"),
        ("2026-01-01.jsonl", "aliexpress"),
        ("other.txt", "canonical"),
    ],
)
def test_the_format_is_guessed_from_the_names_of_the_files(
    tmp_path: Path, name: str, kind: str
) -> None:
    (tmp_path / name).write_text("")
    assert guessed_source(tmp_path) == kind
