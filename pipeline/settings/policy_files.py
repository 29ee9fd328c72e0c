"""Read a policy: the workspace's own `policies/<name>.toml` if there is one, else the one shipped
with the program."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from features.indicators.policy import Policy
from pipeline.settings.errors import BadInput

SHIPPED = Path(__file__).parent / "policies"


def policy_names(workspace: Path | None = None) -> list[str]:
    """All policies that can be asked for by name."""
    folders = [SHIPPED] if workspace is None else [SHIPPED, workspace / "policies"]
    return sorted({file.stem for folder in folders for file in folder.glob("*.toml")})


def find_policy(name: str, workspace: Path | None = None) -> Path:
    """Its file; the name must be one of those that exist, so that no path can be smuggled in."""
    if name not in policy_names(workspace):
        raise BadInput(
            f"policy {name!r} is not there. There are: {', '.join(policy_names(workspace))}."
        )
    own = workspace / "policies" / f"{name}.toml" if workspace else None
    return own if own and own.is_file() else SHIPPED / f"{name}.toml"


def load_policy(name: str, workspace: Path | None = None) -> Policy:
    """The policy, checked: an unknown key, a value without source or dates that overlap are
    errors."""
    path = find_policy(name, workspace)
    try:
        policy = Policy(**tomllib.loads(path.read_text(encoding="utf-8")))
        ZoneInfo(policy.platform_zone)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is not TOML ({error}).") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})"
            for e in error.errors()
        )
        raise BadInput(f"{path}: {faults}") from None
    except (ValueError, KeyError) as error:
        raise BadInput(f"{path}: zone: {error}. Write one like America/Los_Angeles.") from None
    if policy.name != path.stem:
        raise BadInput(
            f"{path}: name is {policy.name!r}; it must be that of the file, {path.stem!r}."
        )
    return policy


def policy_sha256(name: str, workspace: Path | None = None) -> str:
    """What a run was judged by, for its manifest."""
    return hashlib.sha256(find_policy(name, workspace).read_bytes()).hexdigest()
