"""train with POOL: one model of several stores, which a new store can use from its first night.

Each store's rows are built as `train` builds them: with its own settings, zone and policy, from
facts known by the day of training. Nothing is written into the stores of the pool, and the model
holds none of their rows.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import calendar_day, day_number
from models.learner.cause import add_cause
from models.learner.gbm import DisputeModel
from models.pool.pooled_rows import pooled_stores, stack_rows
from pipeline.registry.model_registry import CHALLENGER, CHAMPION, has_usable_champion
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput, Refused, TooFewDisputes
from pipeline.training.fitting import fit_with_cause, matured_rows, register
from pipeline.workspace.progress import Progress, counted, say, warn
from pipeline.workspace.workspace import Workspace

# the store that the model is for, in the list of the model's stores
OWN = "own"
# tags of the run in MLflow
POOLED_TAG = "pooled_stores"
# settings that decide what a label means
LABEL_SETTINGS = ("horizon_days", "reporting_delay_days")


@dataclass(frozen=True)
class StoreRows:
    """The labelled order-nights of one store, and the disputed ones with their `cause`."""

    labelled: pl.DataFrame
    caused: pl.DataFrame


def train_pooled(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, pool: Path
) -> None:
    """Register a model of all stores in `pool` and of the workspace's own rows.

    It becomes champion if the workspace has no usable champion, and challenger otherwise.

    Raises `BadInput` without tables, or without a loaded store in `pool`, `Refused` if the stores'
    labels mean different things or two stores are one, and `TooFewDisputes` if all together have
    fewer disputed orders than `min_training_disputes`.
    """
    stores = _stores(workspace, pool)
    configs = {store: load_config(each.folder) for store, each in stores.items()} | {OWN: config}
    _check_labels(stores, configs)
    _refuse_copies(stores)
    with progress.piece("features") as notes, counted("store", len(stores)) as store_done:
        rows: dict[str, StoreRows] = {}
        for store, each in stores.items():
            rows[store] = rows_of_store(each, configs[store], as_of, is_own=store == OWN)
            store_done()
        notes.append(f"{sum(each.labelled.height for each in rows.values()):,} matured rows")
    with progress.piece("train") as notes:
        model, labelled = fit_pooled(rows, config, pool, as_of)
        notes.append(f"{len(model.pool)} stores")
    for entry in model.pool:
        say(
            f"{stores[entry.store].folder.name}: {entry.rows:,} rows, {entry.disputed_orders:,} "
            f"disputed orders, weight {entry.weight:.2f} a row, in the model as {entry.store}"
        )
    with progress.piece("register") as notes:
        alias = CHALLENGER if has_usable_champion(workspace) else CHAMPION
        tags = {POOLED_TAG: str(len(model.pool))}
        example = _mean_row(model)
        number = register(workspace, config, model, labelled, as_of, alias, tags, example)
        notes.append(f"version {number} is {alias}")
    _say_whether_judged(alias)


def fit_pooled(
    rows: Mapping[str, StoreRows], config: Config, pool: Path, as_of: date
) -> tuple[DisputeModel, pl.DataFrame]:
    """The model of the stores' rows, and the stacked rows.

    Raises `TooFewDisputes` with too few disputed orders, and `Refused` if all were disputed.
    """
    labelled = {store: each.labelled for store, each in rows.items()}
    used = pooled_stores(labelled)
    disputed = sum(each.disputed_orders for each in used)
    if disputed < config.min_training_disputes:
        raise TooFewDisputes(
            f"{disputed} disputed orders of the {len(rows)} stores of {pool} had matured by "
            f"{as_of}; training needs at least {config.min_training_disputes} "
            "(min_training_disputes in config.toml). Use a later AS_OF or more stores."
        )
    stacked = stack_rows(labelled, used)
    if stacked["label"].n_unique() < 2:
        raise Refused(
            f"{pool}: every order that had matured by {as_of} was disputed. "
            "Load all orders of the stores, not only the disputed ones."
        )
    caused = stack_rows({store: each.caused for store, each in rows.items()}, used)
    model = fit_with_cause(stacked, caused, config)
    return replace(model, pool=tuple(used)), stacked


def _mean_row(model: DisputeModel) -> pl.DataFrame:
    """One row with the mean of each feature: the example of inputs that is stored with the model,
    where a real row would show an order of another store."""
    means = {name: model.moments.get(name, (None, None))[0] for name in model.feature_names}
    schema = {"stage": pl.String(), **dict.fromkeys(means, pl.Float32())}
    return pl.DataFrame({"stage": ["in_transit"], **{k: [v] for k, v in means.items()}}, schema)


def store_id(folder: Path) -> str:
    """The id of a store in a pooled model: a short hash of its folder's name.

    The model may be used by a seller who should not read the names of other sellers.
    """
    return hashlib.blake2b(folder.name.encode(), digest_size=5).hexdigest()


def _stores(workspace: Workspace, pool: Path) -> dict[str, Workspace]:
    """The stores of the pool by id, and the workspace itself as `OWN`."""
    if not pool.is_dir():
        raise BadInput(f"{pool}: there is no such folder. POOL= is a folder of workspaces.")
    folders = [path for path in sorted(pool.iterdir()) if path.is_dir()]
    loaded = [path for path in folders if (path / "tables").exists()]
    for path in folders:
        if path not in loaded and (path / "config.toml").exists():
            warn(f"{path} has no tables and is left out. Load it first: make ingest")
    others = [path for path in loaded if path.resolve() != workspace.folder]
    if not others:
        raise BadInput(
            f"{pool}: has no loaded workspace besides {workspace.folder.name}. "
            "POOL= is a folder of workspaces: make ingest fills one."
        )
    stores = {store_id(path): Workspace(path) for path in others}
    return stores | {OWN: workspace}


def _check_labels(stores: Mapping[str, Workspace], configs: Mapping[str, Config]) -> None:
    """Raises `Refused` if the label of a store means something else than the others'."""
    own = configs[OWN]
    for store, each in stores.items():
        for name in LABEL_SETTINGS:
            theirs, ours = getattr(configs[store], name), getattr(own, name)
            if theirs != ours:
                raise Refused(
                    f"{each.folder / 'config.toml'}: {name} is {theirs}, but {ours} in the "
                    "workspace that the model is for. The labels of the two mean different "
                    f"things. Set {name} = {ours}, or take the store out of POOL."
                )


def _refuse_copies(stores: Mapping[str, Workspace]) -> None:
    """Raises `Refused` if two stores were loaded from the same files: each order would count twice,
    and the model could be judged on orders that it was trained on."""
    by_files: dict[frozenset[Any], list[str]] = defaultdict(list)
    for each in stores.values():
        hashes = frozenset(each.read_ingest_facts().get("input_sha256", {}).items())
        by_files[hashes].append(each.folder.name)
    for hashes, names in by_files.items():
        if hashes and len(names) > 1:
            raise Refused(
                f"{' and '.join(names)} were loaded from the same files: they are one store. "
                "Take the copy out of POOL."
            )


def rows_of_store(store: Workspace, config: Config, as_of: date, *, is_own: bool) -> StoreRows:
    """The rows of one store, as of the day after its newest fact if that is earlier than `as_of`.

    After that day its disputes are not known yet, and its orders would count as undisputed.
    """
    if is_own:
        return _read_rows(store, config, as_of)
    with store.shared():
        newest = store.table_files().newest_fact_day(day_number(as_of))
        end = as_of if newest is None else calendar_day(newest + 1)
        late = (as_of - end).days
        if late > config.max_data_age_days:
            warn(
                f"{store.folder.name}: its newest fact is {late} days old on {as_of}; its rows end "
                f"with what was known on {end}"
            )
        return _read_rows(store, config, end)


def _read_rows(store: Workspace, config: Config, as_of: date) -> StoreRows:
    tables = store.open_tables()
    rows, _ = matured_rows(store, tables, config, as_of)
    return StoreRows(rows, add_cause(tables, rows, day_number(as_of)))


def _say_whether_judged(alias: str) -> None:
    if alias == CHALLENGER:
        say("The champion stays in use until `make promote` accepts the challenger")
    else:
        say(
            "The pooled model is in use from tonight. It could not be judged on this store: there "
            "was no champion to compare it with. `make promote` compares it with a later model"
        )
