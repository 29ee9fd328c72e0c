"""A store near a limit of its platform gets another list than one far from it, and reads why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

FAR, NEAR = 0.5, 0.03


def list_at(workspace: Path, do_night: Callable[..., Path], limit: float) -> tuple:
    """The list, the sentence about the grade, and the page, with this limit of the dispute rate."""
    config = workspace / "config.toml"
    settings = config.read_text().partition("# limit")[0]
    config.write_text(
        f"{settings}# limit\nlimits.dispute_rate = {limit}\nvalue.grade_loss_usd = 5000\n"
    )
    run = do_night(workspace, is_forced=True)
    grade = json.loads((run / "manifest.json").read_text())["grade"]["says"]
    return pl.read_parquet(run / "contact_list.parquet"), grade, (run / "report.html").read_text()


def test_the_list_near_a_limit_differs_and_says_why(
    workspace: Path, do_night: Callable[..., Path]
) -> None:
    far, far_says, _ = list_at(workspace, do_night, FAR)
    near, near_says, page = list_at(workspace, do_night, NEAR)
    assert far_says.startswith("The store's grade adds nothing to a dispute: dispute_rate has a")
    assert near_says.startswith("The store's grade adds ")
    assert " USD to a dispute: dispute_rate has a chance of " in near_says
    assert near_says.replace("'", "&#39;") in page
    both = far.join(near, on="order_id", suffix="_near")
    assert both.height > 0
    assert (both["stake_usd_near"] > both["stake_usd"]).all()
    assert near["expected_value_usd"].sum() > 2 * far["expected_value_usd"].sum()
