"""Move the aliases of the registered models: promote, or roll back."""

from __future__ import annotations

from pipeline.registry.alias_change import change_aliases, complete_change
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    FORMER,
    find_model,
    require_champion,
    version_of,
)
from pipeline.registry.tracking import registry_errors
from pipeline.settings.errors import Damaged, NoChampion
from pipeline.workspace.workspace import Workspace


def promote_challenger(workspace: Workspace) -> None:
    """Make the challenger champion, and the champion the former champion, as one change."""
    with registry_errors(workspace):
        champion, challenger = version_of(workspace, CHAMPION), version_of(workspace, CHALLENGER)
        change_aliases(
            workspace,
            {CHAMPION: str(challenger.version), FORMER: str(champion.version), CHALLENGER: None},
        )


def return_to_former(workspace: Workspace) -> tuple[str, str]:
    """Swap champion and former champion; returns the new champion's version and the old one's.

    A champion that is damaged is replaced too. Raises `NoChampion` if there is no former champion.
    """
    try:
        require_champion(workspace)
    except Damaged:
        # rolling back is the way out of it, if the former champion is sound
        find_model(workspace, FORMER)
    with registry_errors(workspace):
        complete_change(workspace)
        champion, former = version_of(workspace, CHAMPION), version_of(workspace, FORMER)
        if former is None:
            raise NoChampion(
                f"{workspace.folder}: there is no former champion: no champion was ever replaced."
            )
        change_aliases(workspace, {CHAMPION: str(former.version), FORMER: str(champion.version)})
    return str(former.version), str(champion.version)
