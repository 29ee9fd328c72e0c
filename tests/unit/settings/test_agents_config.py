"""Agents and languages in config.toml: what is refused, and what a night shows about them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.night.contact_list import say_summary
from pipeline.pages.page_words import read_sentences
from pipeline.settings.action_files import SHIPPED
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput
from pipeline.settings.languages import writers_sentence

MARIA = "[[decide.agents]]\nname = 'Maria'\nlanguages = ['es', 'pt']\nminutes = 300\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            MARIA.replace("'pt'", "'klingon'"),
            r"decide\.agents\.0\.languages: .*unknown language klingon; .*en, es, pt",
        ),
        (
            MARIA.replace("300", "-5"),
            r"decide\.agents\.0\.minutes: .*greater than or equal to 0 \(got -5\)",
        ),
        (MARIA.replace("300", "inf"), r"decide\.agents\.0\.minutes: .*finite number \(got inf\)"),
        (MARIA.replace("300", "nan"), r"decide\.agents\.0\.minutes: .*got nan"),
        (
            MARIA + "minutes_per_message = 0\n",
            r"agents\.0\.minutes_per_message: .*greater than or equal to 0\.1 \(got 0\)",
        ),
        (MARIA.replace("['es', 'pt']", "[]"), r"decide\.agents\.0\.languages: .*at least 1 item"),
        (MARIA.replace("minutes = 300\n", ""), r"decide\.agents\.0\.minutes: Field required"),
        (MARIA + "hours = 5\n", r"decide\.agents\.0\.hours: Extra inputs are not permitted"),
        (MARIA + MARIA, r"Maria appears twice"),
        ("[decide]\nin_english = ['xx']\n", r"decide\.in_english: .*unknown language xx"),
        ("[decide]\nin_english = ['es']\n" + MARIA, r"in_english: es has an agent"),
        ("[decide]\nin_english = ['ko']\n" + MARIA, r"in_english: no agent writes en"),
    ],
)
def test_impossible_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadInput, match=message):
        load_config(tmp_path)


@pytest.mark.parametrize(("more", "minutes"), [("", 300), ("minutes_per_message = 8\n", 75)])
def test_a_slower_agent_has_fewer_minutes(tmp_path: Path, more: str, minutes: float) -> None:
    (tmp_path / "config.toml").write_text(MARIA + more)
    assert [hours.agent.minutes for hours in load_config(tmp_path).decide.agents] == [minutes]
    assert Config().decide.agents == ()


def test_a_night_keeps_to_its_agents_and_reports_who_is_left_out(
    workspace: Path, do_night: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    # expensive disputes make a long list
    with (workspace / "config.toml").open("a") as file:
        file.write("decide.dispute_fixed_cost_usd = 500\n")
    first = do_night(workspace, is_forced=True)
    before = pl.read_parquet(first / "contact_list.parquet")["message_language"].to_list()
    # more than Maria can write in two minutes, and a language that no agent writes
    assert before.count("es") + before.count("pt") > 1
    assert {"ru", "ko"} <= set(before), "this store has too few languages for the test"
    agents = (
        MARIA.replace("300", "2")
        + "[[decide.agents]]\nname = 'Tom'\nlanguages = ['en']\nminutes = 300\n"
    )
    text = (workspace / "config.toml").read_text()
    text = text.replace("least_worth_usd = 0.0", "least_worth_usd = 0.0, usd_a_minute = 0.0")
    (workspace / "config.toml").write_text(text + "decide.in_english = ['ru']\n" + agents)
    # an agent writes the messages, where the program's own file leaves them to the shop's channel
    own = workspace / "actions" / "inform.toml"
    own.parent.mkdir()
    shipped = (SHIPPED / "inform.toml").read_text()
    shipped = shipped.replace('sent_by = "automatic"', 'sent_by = "agent"')
    own.write_text(shipped.replace("minutes = 0", "minutes = 2"))
    run = do_night(workspace, is_forced=True)
    listed, manifest = (
        pl.read_parquet(run / "contact_list.parquet"),
        json.loads((run / "manifest.json").read_text()),
    )
    assert set(listed["message_language"]) == {"en", "es"} or set(listed["message_language"]) == {
        "en",
        "pt",
    }
    assert listed.filter(pl.col("message_language") != "en").height == 1
    who_writes = manifest["who_writes"]
    assert sum(who_writes["agents"]["Maria"].values()) == 1
    assert who_writes["agents"]["Tom"] == {"en": listed.height - 1}
    russian = listed.filter(pl.col("country") == "RU")
    assert russian.height > 0
    assert set(russian["message_language"]) == {"en"}
    assert who_writes["nobody_writes"]
    assert not set(who_writes["nobody_writes"]) & {"en", "es", "pt", "ru"}
    text = " ".join((run / "README.txt").read_text().split())
    assert who_writes["sentence"] in text
    page = html.unescape((run / "report.html").read_text())
    assert page.count(f">{who_writes['sentence']}<") == 1
    say_summary(run)
    assert who_writes["sentence"] in " ".join(capsys.readouterr().out.split())


def test_the_sentence_for_people() -> None:
    writers = {
        "agents": {"Maria": {"es": 30, "pt": 12}, "Tom": {"en": 8}},
        "nobody_writes": {"ko": 12, "ar": 3},
    }
    assert writers_sentence(writers) == (
        "Who writes what: Maria 30 es, 12 pt; Tom 8 en. Buyers worth an action who are left out "
        "because no agent writes their language: 12 ko, 3 ar."
    )
    assert (
        writers_sentence({"agents": {}, "nobody_writes": {}})
        == "Who writes what: nothing to write."
    )


@pytest.mark.parametrize(
    ("nobody_writes", "chinese"),
    [
        ({"ko": 12}, "谁写什么：Maria 30 es。因无人会写其语言而未列入的买家：12 ko。"),
        ({}, "谁写什么：Maria 30 es。"),
    ],
)
def test_the_sentence_is_also_known_in_chinese(nobody_writes: dict[str, int], chinese: str) -> None:
    line = writers_sentence({"agents": {"Maria": {"es": 30}}, "nobody_writes": nobody_writes})
    name, values = line.key
    assert read_sentences("zh")[name].format(**values) == chinese
