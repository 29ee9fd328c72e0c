"""Move the aliases of the registered models: promote, or roll back."""

from __future__ import annotations

from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    FORMER,
    MODEL_NAME,
    client_of,
    require_champion,
    version_of,
)
from pipeline.settings.errors import NoChampion
from pipeline.workspace.workspace import Workspace


def promote_challenger(workspace: Workspace) -> None:
    """Make the challenger champion, and the champion the former champion.

    The aliases change one by one. If the process is killed in between, there still is a champion,
    and a second call completes the change.
    """
    champion, challenger = version_of(workspace, CHAMPION), version_of(workspace, CHALLENGER)
    client = client_of(workspace)
    client.set_registered_model_alias(MODEL_NAME, FORMER, champion.version)
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
    client.delete_registered_model_alias(MODEL_NAME, CHALLENGER)


def return_to_former(workspace: Workspace) -> tuple[str, str]:
    """Swap champion and former champion; returns the new champion's version and the old one's.

    Raises `NoChampion` if there is no former champion.
    """
    require_champion(workspace)
    champion, former = version_of(workspace, CHAMPION), version_of(workspace, FORMER)
    if former is None:
        raise NoChampion(
            f"{workspace.folder}: there is no former champion: no champion was ever replaced."
        )
    client = client_of(workspace)
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, former.version)
    client.set_registered_model_alias(MODEL_NAME, FORMER, champion.version)
    return str(former.version), str(champion.version)
