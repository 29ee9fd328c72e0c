"""What a replayed season teaches: the counts by action, with the held out of the same choice."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.evaluation.actions.action_values import effect_counts
from pipeline.settings.action_files import load_actions

ACTIONS = [action for action in load_actions() if action.name in ("inform", "resend")]


def test_held_out_orders_count_as_nothing_and_keep_what_was_meant() -> None:
    taken = pl.DataFrame(
        {
            "stage": ["in_transit"] * 4,
            "action": [0, 0, -1, 1],
            "meant": [0, 0, 0, 1],
            "opened_day": [7, -1, 9, -1],
            "opened_cause": [0, -1, 0, -1],
        }
    )
    disputes = np.array([[0.2, 0.1, 0.0], [0.3, 0.0, 0.0], [0.4, 0.0, 0.0], [0.5, 0.0, 0.0]])
    counts = effect_counts(taken, ACTIONS, disputes, []).filter(cause="not_received")
    rows = counts.select("action", "meant", pl.col("expected").round(6), "observed").rows()
    assert rows == [
        ("inform", "inform", 0.5, 1.0),
        ("nothing", "inform", 0.4, 1.0),
        ("resend", "resend", 0.5, 0.0),
    ]
