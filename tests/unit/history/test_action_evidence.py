"""What past nights teach: assignments and disputes drawn as tables, counted by hand.

`drawn_assignments` has the tables.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.tables import CAUSES
from models.actions.action_stakes import ASSUMED_CAUSES
from models.actions.learned_actions import learned_effects
from pipeline.history.action_evidence import (
    action_counts,
    assigned_actions,
    no_counts,
    with_outcomes,
)
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.unit.history.drawn_assignments import (
    AS_OF,
    ASSIGNED,
    DISPUTES,
    JULY,
    OCTOBER,
    ORDERS,
    Make,
    inform_action,
    write_nights,
)


@pytest.fixture
def store(tmp_path: Path, make_tables: Make) -> Workspace:
    workspace = Workspace(tmp_path)
    tables = make_tables(orders=ORDERS, disputes=DISPUTES)
    workspace.write_tables(tables, {"input_sha256": {}})
    write_nights(workspace)
    return workspace


def counted(workspace: Workspace, as_of: date = AS_OF) -> dict[tuple[Any, ...], tuple[float, ...]]:
    """(action, meant, is_ended, cause) -> expected and observed disputes, if any are expected."""
    table = action_counts(workspace, workspace.table_files(), Config(), as_of)
    key = ["action", "meant", "is_ended", "cause"]
    sums = table.group_by(key).agg(pl.col("expected", "observed").sum())
    some = sums.filter((pl.col("expected") > 0) | (pl.col("observed") > 0))
    return {row[:4]: row[4:] for row in some.select(*key, "expected", "observed").iter_rows()}


def test_orders_count_by_the_band_of_their_risk(store: Workspace) -> None:
    counts = action_counts(store, store.table_files(), Config(), AS_OF)
    ended = counts.filter(pl.col("is_ended"), pl.col("expected") > 0)
    bands = {name: set(ended.filter(action=name)["risk_band"]) for name in ("nothing", "inform")}
    # the limits are 0.02, 0.05, 0.1 and 0.2: 0.15 and 0.20 exceed three of them, 0.25 and 0.30 all
    assert bands == {"nothing": {"4"}, "inform": {"3", "4"}}


def test_the_counts_by_hand(store: Workspace) -> None:
    counts = counted(store)
    assert {key: pytest.approx(value) for key, value in counts.items()} == {
        # a, half of b, c and d: b and c were disputed before their end, d after it
        ("inform", "inform", True, "not_received"): (0.20 + 0.20 + 0.25 + 0.15, 2.0),
        ("inform", "inform", True, "not_as_described"): (0.20, 0.0),
        ("nothing", "inform", True, "not_received"): (0.15, 0.0),
        ("nothing", "inform", True, "not_as_described"): (0.15, 1.0),
        # the 30 days of x and y; the dispute of y came after them. Those of z are not over
        # a dispute without a known cause counts as forecast
        ("resend", "resend", False, "not_received"): (0.15, 1.0),
    }


def test_a_dispute_without_a_known_cause_is_parted_as_the_causes_were_forecast(
    tmp_path: Path, make_tables: Make
) -> None:
    """None of the causes counted it: a store without causes seemed to prevent everything."""
    for shares, parts in (("0.5", [0.5, 0.5, 0.0]), ("-", list(ASSUMED_CAUSES["in_transit"]))):
        workspace = Workspace(tmp_path / shares)
        dispute = "order_id | occurred_at | step | cause\na | 2024-07-10 | opened | unknown"
        workspace.write_tables(make_tables(orders=ORDERS, disputes=dispute), {"input_sha256": {}})
        night = ASSIGNED.splitlines()[1:3]
        write_nights(workspace, "\n".join(night).replace("1.0", shares))
        counts = action_counts(workspace, workspace.table_files(), Config(), AS_OF)
        by_cause = {row["cause"]: row for row in counts.iter_rows(named=True)}
        assert [by_cause[c]["observed"] for c in CAUSES] == pytest.approx(parts)
        assert [by_cause[c]["expected"] for c in CAUSES] == pytest.approx([0.2 * p for p in parts])


def test_a_dispute_after_the_30_days_counts_once_the_order_has_ended(store: Workspace) -> None:
    key = ("inform", "inform", False, "not_received")
    # 2024-11-01 is day 120 of the night of July, and disputes are known a day later
    assert counted(store, date(2024, 11, 1))[key] == (pytest.approx(0.10 + 0.15 + 0.20), 1.0)
    assert counted(store, date(2024, 11, 2))[key[:2] + (True, key[3])][1] == 2.0


def test_only_nights_whose_label_window_is_over_count(store: Workspace) -> None:
    # 30 days from the night, and one day until the store knows
    assert counted(store, date(2024, 8, 3)) == {}
    assert set(counted(store, date(2024, 8, 4))) == {
        ("inform", "inform", False, "not_received"),
        ("inform", "inform", False, "not_as_described"),
        ("nothing", "inform", False, "not_received"),
        ("nothing", "inform", False, "not_as_described"),
    }


def test_a_dispute_known_on_the_night_or_later_does_not_count(
    tmp_path: Path, make_tables: Make
) -> None:
    for known, expected in (("2024-12-01", None), ("2024-11-30", "not_received")):
        workspace = Workspace(tmp_path / known)
        dispute = (
            f"order_id|occurred_at|known_at|step|cause\nb|2024-07-10|{known}|opened|not_received"
        )
        workspace.write_tables(make_tables(orders=ORDERS, disputes=dispute), {"input_sha256": {}})
        write_nights(workspace)
        rows = assigned_actions(workspace, AS_OF)
        known_rows = with_outcomes(rows, workspace.table_files(), Config(), AS_OF)
        assert known_rows.filter(order_id="b")["opened_cause"].to_list() == [expected]


def test_an_order_counts_from_its_first_night_alone(store: Workspace) -> None:
    again = (
        ASSIGNED.splitlines()[1] + "\n07-05 | b | ben | listed | resend | resend | 0.9 | 0.9 | 1.0"
    )
    before = counted(store)
    write_nights(store, again)
    assert counted(store) == before


def test_the_night_itself_and_later_nights_teach_nothing(store: Workspace) -> None:
    assert set(assigned_actions(store, OCTOBER)["order_id"]) == set("abcdh")
    assert assigned_actions(store, JULY).is_empty()
    assert assigned_actions(store, date(2024, 7, 5)).height == 5


def test_nights_of_earlier_versions_are_left_out(store: Workspace) -> None:
    before = counted(store)
    old = store.folder / "runs" / "2024-07-01" / "latest" / "assignments.parquet"
    old.parent.mkdir(parents=True)
    columns = ["order_id", "buyer_id", "also_orders", "as_of", "stage", "arm", "probability"]
    newest = store.folder / "runs" / "2024-07-04" / "latest" / "assignments.parquet"
    earlier = pl.read_parquet(newest).select(columns).with_columns(as_of=pl.lit(date(2024, 7, 1)))
    earlier.filter(order_id="a").with_columns(order_id=pl.lit("old")).write_parquet(old)
    assert counted(store) == before


def test_a_workspace_of_earlier_versions_alone_has_no_counts(
    tmp_path: Path, make_tables: Make
) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(make_tables(orders=ORDERS), {"input_sha256": {}})
    folder = tmp_path / "runs" / "2024-07-01" / "latest"
    folder.mkdir(parents=True)
    for rows in (None, pl.DataFrame({"order_id": ["a"], "as_of": [JULY], "arm": ["listed"]})):
        if rows is not None:
            rows.write_parquet(folder / "assignments.parquet")
        table = action_counts(workspace, workspace.table_files(), Config(), AS_OF)
        assert table.is_empty()
        assert set(table.columns) == set(no_counts().columns)


def test_what_was_learned_of_a_removed_action_changes_nothing(store: Workspace) -> None:
    counts = action_counts(store, store.table_files(), Config(), AS_OF)
    inform = inform_action()
    with_resend = learned_effects(counts, [inform])
    without = learned_effects(counts.filter(pl.col("action") != "resend"), [inform])
    one, other = (p.share("inform", "in_transit", "not_received") for p in (with_resend, without))
    assert one.mean == pytest.approx(other.mean)
    assert {cause for cause in with_resend.counts["cause"]} == set(CAUSES)
