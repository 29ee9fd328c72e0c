"""Make a workspace from the answers to five questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.settings.policy_files import find_policy, policy_names
from pipeline.settings.toml_model import faults_of
from pipeline.workspace.workspace import write_whole

CONFIG = "config.toml"
DEFAULTS = Config()
# the first file or folder name that shows what a folder of files is
_MARKS = (
    ("database", "database.toml"),
    ("mapped", "mapping.toml"),
    ("olist", "olist_orders_dataset.csv"),
    ("canonical", "orders.csv"),
    ("aliexpress", "*.json*"),
)


@dataclass(frozen=True)
class Question:
    """One question: its option, its text, the answer if the user only presses return, and a check
    that returns the answer or raises `BadInput`."""

    option: str
    text: str
    default: str
    check: Callable[[str], str]


@dataclass(frozen=True)
class Answers:
    """What a new workspace is made from. `raw`: the folder with the store's files."""

    raw: str
    source: str
    zone: str
    policy: str
    capacity: str


def questions(sources: list[str]) -> dict[str, Question]:
    """option -> question, in the order in which they are asked. `sources`: the names of the
    sources."""

    def known_kind(name: str) -> str:
        if name not in sources:
            raise BadInput(f"source: {name!r:.100} is not one of {', '.join(sources)}.")
        return name

    asked = (
        Question("raw", "Folder with the store's files", "raw", _folder),
        Question(
            "source", f"Format of these files ({', '.join(sources)})", "canonical", known_kind
        ),
        Question("zone", "Time zone of the store", DEFAULTS.sources.store_zone, _zone),
        Question(
            "policy", f"Platform rules ({', '.join(policy_names())})", DEFAULTS.policy, _policy
        ),
        Question(
            "capacity",
            "Most messages to buyers in one night",
            str(DEFAULTS.decide.capacity),
            _capacity,
        ),
    )
    return {question.option: question for question in asked}


def guessed_source(raw: Path) -> str:
    """The format that the names of the files show; `canonical` if they show none."""
    for name, mark in _MARKS:
        if next(iter(raw.glob(mark)), None) is not None:
            return name
    return "canonical"


def refuse_existing(workspace: Path) -> None:
    """Raises `BadInput` if the workspace has a config.toml already, or is a file."""
    if (workspace / CONFIG).exists() or (workspace.exists() and not workspace.is_dir()):
        raise BadInput(
            f"{workspace}: there is a workspace already, or a file of that name. Edit its "
            f"{CONFIG}, or choose another WORKSPACE. Nothing was changed."
        )


def make_workspace(workspace: Path, answers: Answers) -> Path:
    """Write the workspace's config.toml with what differs from the defaults; returns its path.

    Raises `BadInput` if there is one already, or for an answer that is not allowed.
    """
    refuse_existing(workspace)
    _checked(
        sources={"store_zone": answers.zone},
        policy=answers.policy,
        decide={"capacity": answers.capacity},
    )
    workspace.mkdir(parents=True, exist_ok=True)
    write_whole(workspace / CONFIG, config_text(answers))
    return workspace / CONFIG


def config_text(answers: Answers) -> str:
    """The text of config.toml. Values are written even where they are the defaults, so that the
    file shows what was asked."""
    return (
        "# Made by init. config show lists all settings, config explain KEY says what one means.\n"
        f"policy = {json.dumps(answers.policy, ensure_ascii=False)}\n"
        "\n[sources]\n"
        f"store_zone = {json.dumps(answers.zone, ensure_ascii=False)}\n"
        "\n[decide]\n"
        f"capacity = {int(answers.capacity)}\n"
    )


def _folder(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise BadInput("raw: write the path of a folder.")
    return text


def _zone(name: str) -> str:
    _checked(sources={"store_zone": name})
    return name


def _policy(name: str) -> str:
    find_policy(name)
    return name


def _capacity(number: str) -> str:
    _checked(decide={"capacity": number})
    return str(int(number))


def _checked(**settings: object) -> None:
    try:
        Config.model_validate(settings)
    except ValidationError as error:
        raise BadInput(f"{faults_of(error)}.") from None
