"""Reads a policy: the workspace's own `policies/<name>.toml`, or else the program's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from features.indicators.policy import Policy
from pipeline.settings.errors import BadInput
from pipeline.settings.toml_model import faults_of, read_toml

SHIPPED = Path(__file__).parent / "policies"


def policy_names(workspace: Path | None = None) -> list[str]:
    """The names of all policies, with those of the workspace."""
    folders = [SHIPPED] if workspace is None else [SHIPPED, workspace / "policies"]
    return sorted({file.stem for folder in folders for file in folder.glob("*.toml")})


def find_policy(name: str, workspace: Path | None = None) -> Path:
    """The file of a policy.

    Raises `BadInput` for a name that does not exist, so that a path cannot be passed as a name.
    """
    if name not in policy_names(workspace):
        raise BadInput(
            f"there is no policy {name!r}. Choose one of: {', '.join(policy_names(workspace))}."
        )
    own = workspace / "policies" / f"{name}.toml" if workspace else None
    return own if own and own.is_file() else SHIPPED / f"{name}.toml"


def load_policy(name: str, workspace: Path | None = None) -> Policy:
    """The checked policy.

    Raises `BadInput` for an unknown key, a value without a source, or overlapping dates.
    """
    path = find_policy(name, workspace)
    try:
        policy = Policy(**read_toml(path))
        ZoneInfo(policy.platform_zone)
    except ValidationError as error:
        raise BadInput(f"{path}: {faults_of(error)}") from None
    except (ValueError, KeyError, OSError) as error:
        raise BadInput(
            f"{path}: zone: {error}. Write a time zone like America/Los_Angeles."
        ) from None
    if policy.name != path.stem:
        raise BadInput(
            f"{path}: the name is {policy.name!r}, but it must equal the file name, {path.stem!r}."
        )
    return policy


def policy_sha256(name: str, workspace: Path | None = None) -> str:
    """The digest of the policy file, for a run's manifest."""
    return hashlib.sha256(find_policy(name, workspace).read_bytes()).hexdigest()
