"""Which models are registered, and what they were trained and judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.registry.alias_change import complete_change
from pipeline.registry.model_registry import CHALLENGER, CHAMPION, FORMER, version_of
from pipeline.registry.moved_workspace import settle
from pipeline.registry.tracking import client_of, database, registry_errors, server_uri
from pipeline.workspace.workspace import Workspace

ALIASES = (CHAMPION, CHALLENGER, FORMER)


@dataclass(frozen=True)
class RegisteredVersion:
    """A version by its alias, with what MLflow logged when it was trained.

    `tags`: `trained_as_of`, `last_training_night`, `git_revision` and the hashes of the loaded
    files (`sha256.<file>`); `settings`: all as text; `rows` and `disputed_orders`: what it was
    trained on, None where it was not logged; `judged`: what the promotion gate compared it on
    (`nights`, `order_nights`, `disputed_orders`), empty before.
    """

    alias: str
    version: str
    run_id: str
    tags: Mapping[str, str]
    settings: Mapping[str, str]
    rows: int | None
    disputed_orders: int | None
    judged: Mapping[str, str]

    @property
    def input_sha256(self) -> dict[str, str]:
        """File -> hash, of the files that the store was loaded from."""
        start = "sha256."
        return {k.removeprefix(start): v for k, v in self.tags.items() if k.startswith(start)}


def registered_versions(workspace: Workspace) -> list[RegisteredVersion]:
    """The versions that have an alias, the champion first; none if no model was trained yet.

    Their files are not read, so a version is in the list even if it cannot be used.
    """
    if server_uri() is None and not database(workspace).exists():
        return []
    with registry_errors(workspace):
        settle(workspace)
        complete_change(workspace)
        versions = [(alias, version_of(workspace, alias)) for alias in ALIASES]
        return [_facts(workspace, alias, entry) for alias, entry in versions if entry is not None]


def _facts(workspace: Workspace, alias: str, entry: Any) -> RegisteredVersion:
    run = client_of(workspace).get_run(str(entry.run_id))
    metrics, start = run.data.metrics, "judged_"
    rows, disputed = (metrics.get(name) for name in ("rows", "disputed_orders"))
    return RegisteredVersion(
        alias,
        str(entry.version),
        str(entry.run_id),
        dict(run.data.tags),
        dict(run.data.params),
        None if rows is None else int(rows),
        None if disputed is None else int(disputed),
        {k.removeprefix(start): v for k, v in entry.tags.items() if k.startswith(start)},
    )
