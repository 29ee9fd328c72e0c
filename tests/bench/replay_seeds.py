"""The replay of actions on several simulated stores: means and intervals over the stores.

Reads `replay.csv` and `replay_stops.csv` of each workspace. Prints a table per scenario, in
Markdown, and the actions that truly did harm with the night of their last use.

PYTHONPATH=. python tests/bench/replay_seeds.py WORKSPACE WORKSPACE...
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from pipeline.evaluation.actions.action_seasons import RESULT, STOPS
from pipeline.evaluation.actions.replay_actions import HAND_RULES
from pipeline.evaluation.actions.seed_intervals import over_stores
from pipeline.workspace.progress import say


def line(row: dict[str, object]) -> str:
    def usd(name: str) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return f"{row[name]:,.0f} ({low:,.0f} to {high:,.0f})"

    def ratio(name: str) -> str:
        return "" if row[name] is None else f"{row[name]:.2f}"

    cells = [row["policy"], usd("saved_usd"), usd("expected_usd"), f"{row['stake_share']:.2%}"]
    return "| " + " | ".join([*map(str, cells), ratio("to_cells"), ratio("to_best_rule")]) + " |"


def main(folders: list[str]) -> None:
    results = [pl.read_csv(Path(folder) / RESULT) for folder in folders]
    joined = over_stores(results, list(HAND_RULES))
    for (scenario,), rows in joined.group_by("scenario", maintain_order=True):
        last = rows.filter(pl.col("season") == pl.col("season").max())
        say(f"\n{scenario}: {last['stake_usd'][0]:,.0f} USD at stake\n")
        say("| policy | realised | expected | of the stake | of the cells | of the best rule |")
        say("|---|---|---|---|---|---|")
        for row in rows.iter_rows(named=True):
            say(line(row))
    for folder in folders:
        stops = pl.read_csv(Path(folder) / STOPS)
        say(f"\n{folder}: actions that did harm")
        for row in stops.filter(pl.col("saved_usd") < 0).iter_rows(named=True):
            say(
                f"{row['scenario']} {row['action']}: {row['uses']} uses, {row['saved_usd']:.0f} "
                f"USD before costs, last used on night {row['last_night']}, "
                f"{row['late_uses']} uses after night 30, harm rule on night {row['rule_night']}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
