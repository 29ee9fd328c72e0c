"""Which model the model page is about, and which data: as the page's first tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.clock import calendar_day
from features.labels import disputed_orders
from pipeline.pages.model_tables import Cell, PageTable, code_cell, heads
from pipeline.pages.page_words import code_span, text_span
from pipeline.registry.registered_versions import RegisteredVersion, registered_versions
from pipeline.settings.config import Config
from pipeline.settings.errors import Damaged, NoChampion
from pipeline.training.fitting import training_settings
from pipeline.workspace.manifest import git_revision
from pipeline.workspace.progress import warn
from pipeline.workspace.workspace import Workspace

# what a model learns and how; the other logged settings change no model
LEARNING = (
    "horizon_days",
    "reporting_delay_days",
    "days_after_delivery",
    "days_after_promise",
    "days_without_promise",
    "max_training_rows",
    "min_training_disputes",
    "contacted_rows",
    "calibration",
    "calibration_share",
    "seed",
)
# how LightGBM works inside, and how it uses the machine
INNER = ("deterministic", "force_col_wise", "verbosity", "num_threads")


@dataclass(frozen=True)
class RowCounts:
    """What a table of labelled order-nights holds."""

    nights: int
    first: date
    last: date
    order_nights: int
    disputed: int

    @classmethod
    def of(cls, rows: pl.DataFrame) -> RowCounts:
        """Count `rows` (`order_id, as_of_day, label`); at least one."""
        days = rows["as_of_day"].unique().sort()
        first, last = (calendar_day(int(day)) for day in (days[0], days[-1]))
        return cls(days.len(), first, last, rows.height, disputed_orders(rows))


@dataclass(frozen=True)
class InputFile:
    """A file that the store was loaded from. `rows` is None where it was not counted."""

    name: str
    rows: int | None
    sha256: str


@dataclass(frozen=True)
class JudgedFacts:
    """Where the page's numbers come from.

    `config_sha256`: of all settings but the engine and the delivery, which change no number;
    `settings`: those that a model depends on, as text; `versions`: the registered models.
    """

    source: str
    files: Sequence[InputFile]
    config_sha256: str
    git_revision: str
    settings: Mapping[str, str]
    versions: Sequence[RegisteredVersion]

    def other_settings(self, version: RegisteredVersion) -> list[str]:
        """The names of the settings in which a registered model differs. One that an earlier
        program did not log is not compared."""
        return [
            name
            for name, value in self.settings.items()
            if version.settings.get(name, value) != value
        ]

    def other_files(self, version: RegisteredVersion) -> list[str]:
        """The loaded files that are not those of a registered model's training."""
        known = version.input_sha256
        now = {file.name: file.sha256 for file in self.files}
        return sorted(name for name in known.keys() | now if known.get(name) != now.get(name))


def judged_facts(workspace: Workspace, config: Config) -> JudgedFacts:
    """The facts of a workspace as it is now."""
    ingested = workspace.read_ingest_facts()
    rows = ingested.get("input_rows") or {}
    files = [InputFile(name, rows.get(name), h) for name, h in ingested["input_sha256"].items()]
    settings = training_settings(config)
    names = [name for name in (*config.recipe.booster, "rounds") if name not in INNER]
    kept = {name: str(settings[name]) for name in dict.fromkeys((*names, *LEARNING))}
    return JudgedFacts(
        str(ingested["source"]),
        files,
        config_sha256(config),
        git_revision(),
        kept,
        _versions(workspace),
    )


def config_sha256(config: Config) -> str:
    """The hash of the settings on which numbers depend."""
    settings = config.settings_of_results()
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _versions(workspace: Workspace) -> list[RegisteredVersion]:
    try:
        return registered_versions(workspace)
    except (NoChampion, Damaged) as error:
        warn(f"the page does not show which models are registered: {error}")
        return []


def models_table(facts: JudgedFacts, trained: RowCounts, judged: RowCounts) -> PageTable:
    """One row per fact, one column per model: the judged ones, then the registered ones.

    `trained`: the training rows of the last judged model; `judged`: the nights of the page.
    """
    versions = facts.versions
    rows: list[list[Cell]] = [
        [text_span("model.version"), text_span("model.not_registered")],
        [text_span("model.run_id"), "-"],
        [text_span("model.trained_as_of"), text_span("model.each_night", last=judged.last)],
        [text_span("model.last_training_night"), trained.last.isoformat()],
        [text_span("model.trained_rows"), f"{trained.order_nights:,}"],
        [text_span("model.trained_disputed"), f"{trained.disputed:,}"],
        [text_span("model.judged_on"), _judged_cell(judged)],
        [text_span("model.settings"), text_span("model.settings_below")],
        [text_span("model.data"), text_span("model.data_below")],
        [text_span("model.program"), code_cell(facts.git_revision[:12])],
    ]
    for version in versions:
        for row, cell in zip(rows, _version_cells(facts, version), strict=True):
            row.append(cell)
    titles = [text_span("model.judged_here"), *(code_span("alias", v.alias) for v in versions)]
    return PageTable([*heads("model.fact"), *titles], rows, texts=len(titles) + 1)


def _version_cells(facts: JudgedFacts, version: RegisteredVersion) -> list[Cell]:
    judged, tags = version.judged, version.tags
    settings, files = facts.other_settings(version), facts.other_files(version)
    names = {"nights": "nights", "rows": "order_nights", "disputed": "disputed_orders"}
    counts = {name: judged.get(fact, "-") for name, fact in names.items()}
    return [
        version.version,
        code_cell(version.run_id),
        tags.get("trained_as_of", "-"),
        tags.get("last_training_night", "-"),
        "-" if version.rows is None else f"{version.rows:,}",
        "-" if version.disputed_orders is None else f"{version.disputed_orders:,}",
        text_span("model.judged_by_gate", **counts) if judged else text_span("model.not_judged"),
        text_span("model.differs", names=", ".join(settings)) if settings else _same(),
        text_span("model.differs", names=", ".join(files)) if files else _same(),
        code_cell(tags.get("git_revision", "-")[:12]),
    ]


def _same() -> Cell:
    return text_span("model.same")


def _judged_cell(judged: RowCounts) -> Cell:
    return text_span(
        "model.judged_rows",
        count=judged.nights,
        first=judged.first,
        last=judged.last,
        rows=f"{judged.order_nights:,}",
        disputed=f"{judged.disputed:,}",
    )


def settings_table(facts: JudgedFacts) -> PageTable:
    """One row per setting that a model depends on, one column per model."""
    rows: list[list[Cell]] = [
        [code_cell(name), value, *(each.settings.get(name, "-") for each in facts.versions)]
        for name, value in facts.settings.items()
    ]
    titles = (code_span("alias", version.alias) for version in facts.versions)
    return PageTable([*heads("model.setting", "model.judged_here"), *titles], rows)


def files_table(facts: JudgedFacts) -> PageTable:
    """One row per file that the store was loaded from."""
    rows: list[list[Cell]] = [
        [file.name, code_cell(file.sha256[:16]), "-" if file.rows is None else f"{file.rows:,}"]
        for file in facts.files
    ]
    return PageTable(heads("model.file", "model.sha256", "model.file_rows"), rows, texts=2)
