"""replay of actions, from a workspace: four seasons of nights, models trained before them, and the
table of policies under each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from features.clock import calendar_day, day_number, is_before
from features.tables import Tables
from models.actions.action_stakes import STAKES, DisputeCost, add_stakes, cause_shares
from models.actions.actions import Action
from models.effects.dispute_costs import end_ratios, loss_shares
from models.effects.past_nights import past_nights, past_order_nights
from pipeline.evaluation.actions.action_candidates import ReplayedStore, candidates, train
from pipeline.evaluation.actions.replay_actions import ActionReplay
from pipeline.evaluation.actions.season_learning import ReplayWorld
from pipeline.evaluation.actions.season_rows import SeasonRows, action_costs
from pipeline.settings.action_files import load_actions
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Refused
from pipeline.simulation.action_effects import SCENARIOS
from pipeline.simulation.action_outcomes import ActionWorld, true_loss_shares
from pipeline.simulation.true_risk import order_number, read_truth, read_world
from pipeline.workspace.progress import Progress, counted, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT, STOPS = "replay.csv", "replay_stops.csv"
# between two seasons: by then nearly all orders of the former have ended
GAP_DAYS = 60


def replay_actions(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    first: date,
    last: date,
    scenarios: Sequence[str],
) -> pl.DataFrame:
    """Write and return `replay.csv`: one row per scenario and policy.

    Also `replay_stops.csv`: one row per scenario and action that the learned policy used. The
    nights first..last compare the policies. Three seasons of as many nights come before them, each
    `GAP_DAYS` before the next. In the first nothing is done; a model is trained before it, and one
    for the others on what had matured before the second.
    """
    tables, truth, actions = (
        workspace.read_tables(),
        read_truth(workspace),
        load_actions(workspace.folder),
    )
    order_number(workspace, tables["orders"]["order_id"], truth.orders.height)
    starts, length = _season_starts(tables, first, last)
    with progress.piece("train"), counted("model", 2) as model_done:
        store = ReplayedStore(
            workspace, tables, truth, config, train(tables, config, starts[0]), actions
        )
        model_done()
        later = replace(store, model=train(tables, config, starts[1]))
    rows = _seasons_of([store, later, later, later], starts, length, progress)
    buyers = pl.concat([each["buyer"] for each in rows]).unique().sort().to_list()
    costs = _Costs(tables, config, actions, starts[1])
    seasons = [costs.season(each, buyers) for each in rows]
    total = truth.orders["total_usd"].to_numpy()
    cost_usd = total[:, None] * true_loss_shares() + config.decide.dispute_fixed_cost_usd
    names, seed = [action.name for action in actions], read_world(workspace).seed
    results, stops = [], []
    with counted("scenario", len(scenarios)) as scenario_done:
        for scenario in scenarios:
            with progress.piece(scenario):
                world = ActionWorld.of(truth, seed, scenario, names)
                replay = ReplayWorld(world, actions, config, cost_usd, buyers)
                policies, stopped = ActionReplay(replay, seasons).compare()
                label = pl.lit(scenario).alias("scenario")
                results.append(policies.select(label, pl.all()))
                stops.append(stopped.select(label, pl.all()))
                scenario_done()
    result = pl.concat(results)
    write_whole(workspace.folder / STOPS, pl.concat(stops).write_csv(float_precision=3))
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=3))
    return result


def _seasons_of(
    stores: Sequence[ReplayedStore], starts: Sequence[int], length: int, progress: Progress
) -> list[pl.DataFrame]:
    """The candidates of each season, scored by the model of its store."""
    rows = []
    with progress.piece("candidates") as notes, counted("season", len(starts)) as season_done:
        for store, start in zip(stores, starts, strict=True):
            own = candidates(store, range(start, start + length))
            rows.append(own.sort("as_of_day", "order_id"))
            say(f"season from {calendar_day(start)}: {rows[-1].height:,} candidates")
            season_done()
        notes.append(f"{len(starts)} seasons of {length} nights")
    return rows


def scenario_names(given: str) -> list[str]:
    """The scenarios that a comma-separated list names; "all" names all.

    Raises `BadInput` for one that does not exist.
    """
    names = list(SCENARIOS) if given == "all" else [name.strip() for name in given.split(",")]
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise BadInput(
            f"there is no scenario {unknown[0]!r}. Choose from: {', '.join(SCENARIOS)}, or all."
        )
    return names


def _season_starts(tables: Tables, first: date, last: date) -> tuple[list[int], int]:
    length = (last - first).days + 1
    start = day_number(first)
    starts = [start - n * (length + GAP_DAYS) for n in (3, 2, 1, 0)]
    oldest = int(tables["orders"]["known_day"].to_numpy().min(initial=start))
    if is_before(calendar_day(past_nights(starts[0])[0]), calendar_day(oldest)):
        raise Refused(
            f"the first season would start on {calendar_day(starts[0])}, but the store's history "
            f"begins on {calendar_day(oldest)}: too short to train before it. Use a later FROM, or "
            "fewer nights."
        )
    return starts, length


class _Costs:
    """What the store knows of the cost of disputes and actions before the first season."""

    def __init__(self, tables: Tables, config: Config, actions: Sequence[Action], day: int) -> None:
        decide = config.decide
        past = past_order_nights(tables, day, config.dispute_window)
        self.actions, self.settings = actions, config.actions
        self.cost = DisputeCost(
            decide.dispute_fixed_cost_usd,
            loss_shares(tables, day, decide.refund_share),
            end_ratios(past, config.horizon_days, day),
        )

    def season(self, rows: pl.DataFrame, buyers: Sequence[str]) -> SeasonRows:
        numbers = {buyer: number for number, buyer in enumerate(buyers)}
        rows = add_stakes(rows, self.cost).with_columns(
            buyer_number=pl.col("buyer").replace_strict(numbers, return_dtype=pl.Int64)
        )
        disputes = rows.select(
            (pl.col("end_probability") * share).alias(cause)
            for cause, share in cause_shares().items()
        )
        return SeasonRows.of(
            rows.drop("end_probability", "dispute_usd", "stake_usd", *STAKES),
            disputes.to_numpy(),
            rows.select(STAKES).to_numpy(),
            action_costs(rows, self.actions, self.settings),
        )


def say_actions(result: pl.DataFrame) -> None:
    """Print one line per scenario and policy; the numbers in brackets are expected."""
    for row in result.iter_rows(named=True):
        say(
            f"{row['scenario']:<10} {row['policy']:<36} {row['actions']:>6,} actions: "
            f"{row['saved_usd']:9,.0f} USD saved ({row['expected_usd']:8,.0f}), per 100 "
            f"{row['saved_usd_per_100']:8.2f} ({row['expected_usd_per_100']:7.2f})"
        )
