"""Replay of contact policies: which orders each policy would have contacted, night by night, and
what that would have changed.

A policy is a score for each candidate order of a night. The `capacity` orders with the highest
scores above zero get one message; an order gets at most one in all. The outcome of each order under
a message on any night is known (`truth.py`), so what a policy prevents can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipeline.simulation.attainable_risk import contact_savings
from pipeline.simulation.world.order_life import OrderDays
from pipeline.simulation.world.truth import outcome


def true_scores(
    days: OrderDays,
    effects: np.ndarray,
    cost_usd: np.ndarray,
    contact_cost_usd: float,
    number: np.ndarray,
    as_of: np.ndarray,
) -> pl.DataFrame:
    """One row per candidate (order number, calendar day): the true chance of a dispute in the
    order's remaining life (`risk`), the part of it that a message tonight removes (`prevented`),
    and the USD that this saves less the cost of the message (`saving_usd`)."""
    risk, prevented = contact_savings(days, effects)
    row = days.first[number] + as_of - days.day[days.first[number]]
    saving_usd = prevented[row] * cost_usd[number] - contact_cost_usd
    return pl.DataFrame({"risk": risk[row], "prevented": prevented[row], "saving_usd": saving_usd})


def choose(candidates: pl.DataFrame, score: str, capacity: int) -> pl.DataFrame:
    """The policy's contacts: the rows of `candidates` that it selects, each order at most once."""
    eligible = candidates.filter(pl.col(score) > 0.0).sort(
        "as_of_day", score, "order_id", descending=[False, True, False]
    )
    contacted: set[int] = set()
    kept: list[int] = []
    for _, rows in eligible.with_row_index("row").group_by("as_of_day", maintain_order=True):
        selected = rows.filter(~pl.col("number").is_in(list(contacted))).head(capacity)
        kept.extend(selected["row"])
        contacted.update(selected["number"])
    return eligible[kept] if kept else eligible.clear()


def replay(
    days: OrderDays,
    truth: pl.DataFrame,
    effects: np.ndarray,
    contacts: pl.DataFrame,
    cost_usd: np.ndarray,
    contact_cost_usd: float,
) -> tuple[Mapping[str, float], np.ndarray]:
    """The results of a policy's contacts: realised (from the orders' potential outcomes) and
    expected (from the hazards). Also the USD that each order's contact saved (0 without one)."""
    contact_day = np.full(truth.height, -1)
    contact_day[contacts["number"].to_numpy()] = contacts["as_of_day"].to_numpy()
    opened, _ = outcome(
        days, truth["threshold"].to_numpy(), truth["which_cause"].to_numpy(), effects, contact_day
    )
    before, after = truth["opened_day"].is_not_null().to_numpy(), opened >= 0
    count = contacts.height
    saved = cost_usd * (before.astype(float) - after) - contact_cost_usd * (contact_day >= 0)
    per_100 = 100.0 / max(count, 1)
    totals = {
        "contacts": count,
        "prevented": int((before & ~after).sum()),
        "provoked": int((~before & after).sum()),
        "net_prevented_per_100": float((before.astype(int) - after).sum()) * per_100,
        "usd_saved_per_100": float(saved.sum()) * per_100,
        "expected_prevented_per_100": float(contacts["prevented"].sum()) * per_100,
        "expected_usd_saved_per_100": float(contacts["saving_usd"].sum()) * per_100,
    }
    return totals, saved
