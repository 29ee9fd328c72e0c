"""Reads the actions: the program's own, and those of the workspace's `actions/*.toml`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from models.actions.actions import Action
from models.contact.contact_value import ContactCosts
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.settings.toml_model import faults_of, read_toml

MESSAGE = "inform"
SHIPPED = Path(__file__).parent / "actions"


def action_files(workspace: Path | None = None) -> dict[str, Path]:
    """name -> file, by name. A file of the workspace replaces the program's of the same name."""
    folders = [SHIPPED] if workspace is None else [SHIPPED, workspace / "actions"]
    files = {file.stem: file for folder in folders for file in sorted(folder.glob("*.toml"))}
    return dict(sorted(files.items()))


def load_actions(workspace: Path | None = None) -> list[Action]:
    """All actions by name.

    Raises `BadInput` for an unknown key, stage, cause or feature, or a value out of its bounds.
    """
    return [_load(name, path) for name, path in action_files(workspace).items()]


def _load(name: str, path: Path) -> Action:
    try:
        action = Action(**read_toml(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {faults_of(error)}") from None
    if action.name != name:
        raise BadInput(
            f"{path}: the name is {action.name!r}, but it must equal the file name, {name!r}."
        )
    return action


def message_costs(workspace: Path, config: Config) -> ContactCosts:
    """What a message to the buyer is worth, as assumed in the action file `inform`: the yardstick
    for comparing models."""
    message = _load(MESSAGE, action_files(workspace)[MESSAGE])
    settings, decide = config.actions, config.decide
    is_agent = message.sent_by == "agent"
    minutes_usd = message.cost.minutes * settings.usd_a_minute
    return ContactCosts(
        {cell: share.mean for cell, share in message.assumed().items()},
        decide.dispute_fixed_cost_usd,
        minutes_usd if is_agent else settings.automatic_usd,
        decide.refund_share,
    )


def actions_sha256(workspace: Path | None = None) -> str:
    """The digest of all action files, for a run's manifest."""
    digest = hashlib.sha256()
    for path in action_files(workspace).values():
        digest.update(path.read_bytes())
    return digest.hexdigest()
