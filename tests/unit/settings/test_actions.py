"""The actions: data that a seller can add to, checked before anything uses it."""

from __future__ import annotations

from math import log
from pathlib import Path

import polars as pl
import pytest

from features.tables import CAUSES
from pipeline.settings.action_files import actions_sha256, load_actions
from pipeline.settings.errors import BadInput

VOUCHER = """
name = "voucher"
title = "Give a voucher for the next order"
since = "2026-11-27"
applies_to = ["delivered"]
needs = [{ feature = "logistics_delivered_late_days", at_least = 5 }]
cost = { order_share = 0.1, minutes = 1 }

[[effects]]
causes = ["not_as_described"]
mean = 0.2
weight = 4
"""


def workspace_with(folder: Path, text: str, name: str = "voucher") -> Path:
    (folder / "actions").mkdir(exist_ok=True)
    (folder / "actions" / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_every_shipped_action_is_valid_and_states_its_assumptions() -> None:
    actions = {action.name: action for action in load_actions()}
    assert {"inform", "resend", "full_refund", "carrier_enquiry"} <= set(actions)
    for action in actions.values():
        assumed = action.assumed()
        assert set(assumed) == {(s, c) for s in action.applies_to for c in CAUSES}
        assert max(share.mean for share in assumed.values()) > 0.0


def test_an_action_that_postpones_disputes_says_how_much_is_only_early() -> None:
    actions = {action.name: action for action in load_actions()}
    delays = actions["extend_protection"].delays()
    assert set(delays) == {"not_received"}
    # 15 % seem prevented after 30 days, 3 % are prevented in the end
    assert delays["not_received"].log_ratio == pytest.approx(log(0.85 / 0.97))
    assert actions["inform"].delays() == {}


def test_a_seller_adds_an_action_with_one_file(tmp_path: Path) -> None:
    actions = {a.name: a for a in load_actions(workspace_with(tmp_path, VOUCHER))}
    voucher = actions["voucher"]
    rows = pl.DataFrame(
        {
            "stage": ["delivered", "delivered", "delivered", "in_transit"],
            "logistics_delivered_late_days": [6.0, 2.0, None, 6.0],
            "order_value_usd": [50.0] * 4,
        }
    )
    assert rows.select(voucher.is_possible).to_series().to_list() == [True, False, False, False]
    assert rows.select(voucher.cost_usd(0.25, 0.02)).to_series()[0] == pytest.approx(5.25)
    assert voucher.assumed()["delivered", "not_as_described"].mean == 0.2
    assert voucher.assumed()["delivered", "not_received"].mean == 0.0
    assert actions_sha256(tmp_path) != actions_sha256()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (('"delivered"', '"delivred"'), "applies_to"),
        (("logistics_delivered_late_days", "late_days"), "there is no feature 'late_days'"),
        ((", at_least = 5", ""), "write at_least, at_most or both"),
        (("mean = 0.2", "mean = 1.0"), "mean"),
        (("mean = 0.2", "mean = nan"), "mean"),
        (("order_share = 0.1", "order_shares = 0.1"), "order_shares"),
        (('name = "voucher"', 'name = "coupon"'), "must equal the file name"),
        (('name = "voucher"', 'name = "nothing"'), "nothing"),
        (('name = "voucher"', 'name = "../x"'), "name"),
        (("weight = 4", ""), "weight"),
    ],
)
def test_a_wrong_action_is_refused_by_name(
    tmp_path: Path, changed: tuple[str, str], message: str
) -> None:
    folder = workspace_with(tmp_path, VOUCHER.replace(*changed))
    with pytest.raises(BadInput, match="voucher.toml") as error:
        load_actions(folder)
    assert message in str(error.value)


@pytest.mark.parametrize("title", ["a\\u001b[31mred", "two\\nlines", "a\\u202eb"])
def test_a_title_is_one_printable_line(tmp_path: Path, title: str) -> None:
    text = VOUCHER.replace("Give a voucher for the next order", title)
    with pytest.raises(BadInput, match="title: .*printable"):
        load_actions(workspace_with(tmp_path, text))
