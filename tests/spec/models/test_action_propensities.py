"""Which actions are drawn at random, and with which chances: small nights drawn as tables.

The columns `draw 1` to `draw 4` are the USD saved in four draws from what is known of the effects.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.actions.action_propensities import add_propensities, draw_actions
from models.actions.action_rules import ExplorationRules


def night(drawing: str) -> tuple[pl.DataFrame, np.ndarray]:
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    table = pl.DataFrame(rows[1:], schema=rows[0], orient="row")
    options = table.select("buyer_id", "action", order_id=pl.col("buyer_id"))
    return options, table.select(pl.col("^draw .$").cast(pl.Float64)).to_numpy()


def chances(drawing: str, rules: ExplorationRules) -> list[float]:
    return add_propensities(*night(drawing), rules)["propensity"].to_list()


OVERLAP = """
    buyer_id | action  | draw 1 | draw 2 | draw 3 | draw 4
    anna     | nothing | 0      | 0      | 0      | 0
    anna     | inform  | 2      | 1      | 3      | 1
    anna     | resend  | 1      | 2      | 1      | 0.5
    ben      | nothing | 0      | 0      | 0      | 0
    ben      | inform  | -1     | -2     | -1     | -1
    """


def test_an_action_is_drawn_with_the_chance_that_it_is_best() -> None:
    rules = ExplorationRules(floor=0.0)
    assert chances(OVERLAP, rules) == [0.0, 0.75, 0.25, 1.0, 0.0]


def test_actions_that_overlap_have_a_least_chance_and_the_others_none() -> None:
    rules = ExplorationRules(floor=0.4)
    assert chances(OVERLAP, rules) == pytest.approx([0.0, 0.55, 0.45, 1.0, 0.0])


def test_an_action_that_may_be_best_but_costs_much_on_average_is_not_tried() -> None:
    gamble = """
    buyer_id | action      | draw 1 | draw 2 | draw 3 | draw 4
    anna     | nothing     | 0      | 0      | 0      | 0
    anna     | full_refund | 9      | -30    | -30    | -30
    """
    assert chances(gamble, ExplorationRules()) == [1.0, 0.0]
    assert chances(gamble, ExplorationRules(most_loss_usd=25.0, floor=0.0)) == [0.75, 0.25]


def test_equally_good_actions_share_the_chance() -> None:
    same = """
    buyer_id | action  | draw 1
    anna     | nothing | 0
    anna     | inform  | 0
    """
    assert chances(same, ExplorationRules()) == [0.5, 0.5]


def test_a_buyer_gets_one_action_and_anyone_can_draw_it_again() -> None:
    options = add_propensities(*night(OVERLAP), ExplorationRules(floor=0.4))
    drawn = draw_actions(options, "salt", "2026-05-01")
    assert drawn.filter("is_taken")["buyer_id"].to_list() == ["anna", "ben"]
    assert drawn.filter("is_taken")["action"].to_list()[1] == "nothing"
    assert draw_actions(options, "salt", "2026-05-01").equals(drawn)
    reversed_rows = draw_actions(options.reverse(), "salt", "2026-05-01").reverse()
    assert reversed_rows.equals(drawn)


def test_over_many_buyers_actions_are_drawn_as_often_as_logged() -> None:
    count, logged = 3000, {"inform": 0.2, "nothing": 0.5, "resend": 0.3}
    buyers = [f"buyer {number}" for number in range(count)]
    options = pl.DataFrame({"buyer_id": buyers, "order_id": buyers}).join(
        pl.DataFrame({"action": list(logged), "propensity": list(logged.values())}), how="cross"
    )
    drawn = draw_actions(options, "salt", "2026-05-01").filter("is_taken")
    assert drawn.height == count
    for action, chance in logged.items():
        share = drawn.filter(action=action).height / count
        assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / count) ** 0.5)
    # another night is another draw
    again = draw_actions(options, "salt", "2026-05-02").filter("is_taken")
    assert 0.3 < (again["action"] == drawn["action"]).mean() < 0.46


def test_values_of_another_night_are_an_error() -> None:
    options, values = night(OVERLAP)
    with pytest.raises(ValueError, match="for 5 candidates"):
        add_propensities(options, values[:2])
