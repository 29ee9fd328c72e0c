"""Stores of one workspace share what their actions showed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from models.actions.learned_actions import learned_effects
from pipeline.history.action_evidence import action_counts
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.unit.history.drawn_assignments import (
    AS_OF,
    DISPUTES,
    ORDERS,
    Make,
    inform_action,
    write_nights,
)


def counts_of(make_tables: Make, folder: Path, orders: str) -> pl.DataFrame:
    """What a workspace with these orders counts for the drawn nights."""
    workspace = Workspace(folder)
    workspace.write_tables(make_tables(orders=orders, disputes=DISPUTES), {"input_sha256": {}})
    write_nights(workspace)
    return action_counts(workspace, workspace.table_files(), Config(), AS_OF)


def with_stores(first: str, second: str) -> str:
    """The drawn orders: a to c of one store, the others of another."""
    head, *lines = ORDERS.strip().splitlines()
    drawn = (f"{line} | {first if line[0] in 'abc' else second}" for line in lines)
    return "\n".join([f"{head} | store_id", *drawn])


def test_stores_of_a_workspace_share_what_their_actions_showed(
    make_tables: Make, tmp_path: Path
) -> None:
    alone = counts_of(make_tables, tmp_path / "alone", ORDERS)
    same = counts_of(make_tables, tmp_path / "same", with_stores("s1", "s1"))
    two = counts_of(make_tables, tmp_path / "two", with_stores("s1", "s2"))
    observed = two.group_by("store").agg(pl.col("observed").sum().round(9)).sort("store")
    # a has none, b and c one each; h and x one each
    assert observed.rows() == [("s1", 2.0), ("s2", 2.0)]
    action = inform_action()
    one = learned_effects(same, [action])
    assert one.log_evidence == learned_effects(alone, [action]).log_evidence
    assert "store" not in one.terms.levels
    both = learned_effects(two, [action])
    shares = [
        both.share("inform", "in_transit", "not_received", {"store": name}).mean
        for name in ("s1", "s2", "s3")
    ]
    # a store without a night lies between the others
    assert min(shares[:2]) < shares[2] < max(shares[:2])
