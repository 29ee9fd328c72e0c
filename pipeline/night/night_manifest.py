"""What a night's `manifest.json` records about its inputs, its model and the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from features.clock import day_number
from pipeline.drafts.text_templates import files_sha256
from pipeline.indicators.open_disputes import clock_inputs
from pipeline.night.night_actions import NightActions, action_inputs
from pipeline.night.night_checks import DISPUTED, Scorer
from pipeline.night.rule_scorer import RuleScorer
from pipeline.settings.config import Config
from pipeline.workspace.manifest import new_id, program_facts
from pipeline.workspace.progress import Progress
from pipeline.workspace.run_log import current_run_id
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace


def night_run_id(workspace: Workspace, as_of: date) -> str:
    """The id of the step's log lines, so that a run folder can be matched with them.

    A second run of the night within one step gets a new id.
    """
    run_id = current_run_id()
    is_taken = (workspace.folder / "runs" / as_of.isoformat() / run_id).exists()
    return new_id() if is_taken else run_id


def night_inputs(
    workspace: Workspace, config: Config, scorer: Scorer, actions: NightActions
) -> dict[str, Any]:
    """Everything that the night's files depend on, apart from the program itself.

    A night with equal inputs is not done again.
    """
    return {
        "sha256": workspace.read_ingest_facts()["input_sha256"],
        "model_run_id": scorer.run_id,
        # both engines give the same files, and where they are sent does not change them
        "config": config.settings_of_results(),
        "messages_sha256": files_sha256(workspace.folder / "messages"),
        "tasks_sha256": files_sha256(workspace.folder / "tasks"),
        **clock_inputs(workspace, config),
        **action_inputs(workspace, actions),
    }


def pooled_facts(files: TableFiles, scorer: Scorer, as_of: date) -> dict[str, Any]:
    """`pooled`: the stores that a pooled model was trained on, and the disputes of this store that
    are known on `as_of`. Empty for a store's own model and for fixed rules."""
    if isinstance(scorer, RuleScorer) or not scorer.model.pool:
        return {}
    known = files.count_by_day("disputes", day_number(as_of), DISPUTED)
    return {
        "pooled": {
            "stores": [asdict(store) for store in scorer.model.pool],
            "own_disputes": int(known["count"].sum()),
        }
    }


def manifest_facts(
    workspace: Workspace,
    config: Config,
    scorer: Scorer,
    progress: Progress,
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    """The part of the manifest that does not depend on the night's decisions."""
    ingested = workspace.read_ingest_facts()
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": inputs,
        "source": {
            k: ingested[k] for k in ("source", "input_rows", "quarantined_rows", "table_rows")
        },
        "seed": config.seed,
        "model": {
            "name": "dispute-risk",
            "version": scorer.version,
            "trained_as_of": scorer.trained_as_of,
        },
        "engine": config.engine.model_dump(),
        "timings_seconds": progress.timings,
        **program_facts(),
    }
