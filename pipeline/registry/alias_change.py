"""Change several aliases as one: a killed process leaves all the old ones or all the new ones.

MLflow writes one alias at a time. So the wanted aliases are first written into one tag of the
registered model. Whoever reads an alias next completes what the tag says, then removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlflow.exceptions import MlflowException

from pipeline.registry.tracking import client_of, model_name
from pipeline.settings.errors import Damaged
from pipeline.workspace.progress import warn
from pipeline.workspace.workspace import Workspace

UNFINISHED = "unfinished_alias_change"


def change_aliases(workspace: Workspace, wanted: Mapping[str, str | None]) -> None:
    """Point each alias at a version; None removes the alias."""
    client, name = client_of(workspace), model_name(workspace)
    client.set_registered_model_tag(name, UNFINISHED, json.dumps(wanted))
    _complete(workspace)


def complete_change(workspace: Workspace) -> None:
    """Complete a change that was interrupted, and say so. Without one, nothing happens."""
    if _complete(workspace):
        warn("the last change of the champion was interrupted; it is complete now")


def _complete(workspace: Workspace) -> bool:
    client, name = client_of(workspace), model_name(workspace)
    try:
        model = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    if UNFINISHED not in model.tags:
        return False
    for alias, version in _wanted(model.tags[UNFINISHED]).items():
        if version is not None:
            client.set_registered_model_alias(name, alias, version)
        elif alias in model.aliases:
            client.delete_registered_model_alias(name, alias)
    client.delete_registered_model_tag(name, UNFINISHED)
    return True


def _wanted(text: str) -> dict[str, str | None]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):
        raise Damaged(
            f"the tag {UNFINISHED} of the model in mlflow.db is damaged. Restore mlflow.db from a "
            "backup, or move it away and train again: make train WORKSPACE=... AS_OF=..."
        ) from None
