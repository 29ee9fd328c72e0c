"""Every setting has bounds, and a mistyped config.toml names the key and ends with exit code 10."""

from __future__ import annotations

import types
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput

HUGE = "1" + "0" * 22


def numbers(section: type[BaseModel], prefix: str = "") -> dict[str, set[str]]:
    """The bounds of every number in a section and the sections within it, by its key."""
    found = {}
    for name, field in section.model_fields.items():
        annotation = field.annotation
        parts = [annotation, *typing.get_args(annotation)]
        parts += [part for inner in parts for part in typing.get_args(inner)]
        for part in parts:
            if isinstance(part, type) and not isinstance(part, types.GenericAlias):
                if issubclass(part, BaseModel):
                    found |= numbers(part, f"{prefix}{name}.")
                elif part in (int, float):
                    bounds = [field, *parts]
                    found[f"{prefix}{name}"] = {
                        kind
                        for holder in bounds
                        for item in (
                            getattr(holder, "metadata", None) or getattr(holder, "__metadata__", ())
                        )
                        for deeper in (item, *getattr(item, "metadata", ()))
                        for kind in ("gt", "ge", "lt", "le")
                        if getattr(deeper, kind, None) is not None
                    }
    return found


def test_every_number_has_a_lower_and_an_upper_bound() -> None:
    found = numbers(Config)
    assert len(found) > 60
    open_ended = {
        key
        for key, bounds in found.items()
        if not bounds & {"gt", "ge"} or not bounds & {"lt", "le"}
    }
    assert open_ended == set()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("booster = 5", "booster"),
        ("decide = 5", "decide"),
        ("seed = -1", "seed"),
        (f"seed = {HUGE}", "seed"),
        (f"horizon_days = {HUGE}", "horizon_days"),
        ("usd_per = {EUR = nan}", "usd_per.EUR"),
        ("usd_per = {EUR = inf}", "usd_per.EUR"),
        ("usd_per = {EUR = 0}", "usd_per.EUR"),
        (f"[decide]\ncapacity = {HUGE}", "decide.capacity"),
        ("[decide]\ncontact_cost_usd = inf", "decide.contact_cost_usd"),
        ("[page]\nindicator_weeks = -1", "page.indicator_weeks"),
        ("[sources]\ntracking_delay_hours = nan", "sources.tracking_delay_hours"),
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("seed = " + "9" * 10_000, "this is not TOML"),
        ("seed = \x00", "this is not TOML"),
        (f"[deliver]\nattempts = {HUGE}", "deliver.attempts"),
        ('[deliver.channel]\nquiet_from = "25:00"', "deliver.channel.quiet_from"),
    ],
)
@pytest.mark.parametrize("file", ["config.toml", "tuned.toml"])
def test_a_mistyped_file_names_the_key(tmp_path: Path, text: str, key: str, file: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(BadInput) as refusal:
        load_config(tmp_path)
    message = str(refusal.value)
    assert f": {key}" in message or key in message.partition(": ")[2]
    assert len(message) < 3000
    assert refusal.value.exit_code == 10


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(BadInput, match=r"config\.toml: cannot be read \(Is a directory\)"):
        load_config(tmp_path)


def test_bytes_that_are_no_text_are_reported(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"seed = 7 # \xff")
    with pytest.raises(BadInput, match="this is not TOML"):
        load_config(tmp_path)


def test_a_day_outside_the_calendar_of_stores_is_refused(run_step: typing.Callable) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        done = run_step("score", "--workspace", "/nowhere", "--as-of", day)
        assert done.returncode == 2
        assert "is not between 1990-01-01 and 2199-12-31" in " ".join(
            done.stderr.replace("│", " ").split()
        )
