"""Check that the settings of a workspace fit together, before a night needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.drafts.action_texts import require_templates
from pipeline.settings.action_files import load_actions
from pipeline.settings.config import load_config
from pipeline.settings.delivery.delivery_section import SecretSource
from pipeline.settings.errors import BadInput
from pipeline.settings.policy_files import load_policy


def check_configuration(workspace: Path) -> list[str]:
    """What was checked, one line each.

    Raises `BadInput` with the first fault: of config.toml, of the policy, of an action or its text,
    or of a secret that is not where config.toml says.
    """
    config = load_config(workspace)
    checked = ["config.toml: every key is known and every value allowed"]
    policy = load_policy(config.policy, workspace)
    known = {indicator.name for indicator in policy.indicators}
    if unknown := sorted(set(config.limits) - known):
        # a run reports it and goes on
        checked.append(
            f"look at limits: the policy {config.policy} has no indicator {', '.join(unknown)}; it "
            f"has {', '.join(sorted(known))}"
        )
    checked.append(f"policy: {config.policy}, {len(known)} indicators")
    actions = load_actions(workspace)
    config.actions.check_names({action.name for action in actions})
    require_templates(actions, workspace)
    checked.append(f"actions: {len(actions)}, each with its text")
    count = _read_secrets("deliver", config.deliver)
    checked.append(f"deliver: {len(config.deliver.targets)} targets, {count} secrets")
    count = _read_secrets("pull", config.pull)
    checked.append(f"pull: {len(config.pull.stores())} stores and services, {count} secrets")
    return checked


def _read_secrets(path: str, section: BaseModel) -> int:
    """Read every secret of a section, and return their number."""
    secrets = list(_secrets(path, section))
    for name, source in secrets:
        try:
            SecretValues().read(source, name)
        except SecretFault as error:
            raise BadInput(f"config.toml: {error}") from None
    return len(secrets)


def _secrets(path: str, section: BaseModel) -> Iterator[tuple[str, SecretSource]]:
    """(setting, where it is) for every secret in a section."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for entry, part in inner:
            here = ".".join(filter(None, (path, name, str(entry))))
            if isinstance(part, SecretSource):
                yield here, part
            elif isinstance(part, BaseModel):
                yield from _secrets(here, part)
