"""The sentences about what other policies would have saved."""

from __future__ import annotations

import polars as pl

from pipeline.evaluation.action_impact import POLICY_SCHEMA, policy_sentences

ROW = {
    "policy": "voucher",
    "decisions": 40,
    "disputes": 24,
    "saved_usd": 12.0,
    "saved_low_usd": 2.0,
    "saved_high_usd": 22.0,
    "effective_count": 30.0,
    "unsupported_share": 0.02,
}


def test_a_policy_whose_action_was_removed_is_reported_by_its_name() -> None:
    sentences = list(policy_sentences(pl.DataFrame([ROW], schema=POLICY_SCHEMA), {}))
    assert sentences == [
        "Always: voucher, on the 40 ended orders of past lists that allowed it: +12.00 USD (95 %: "
        "+2.00 to +22.00) compared with what was done"
    ]
