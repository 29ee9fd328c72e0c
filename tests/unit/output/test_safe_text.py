"""Hostile text is made harmless in a spreadsheet; plain text and numbers stay as they are."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.output.safe_text import neutral


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\n =1+1", "'\n =1+1"),
        ("\u200f=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("-9.90", "-9.90"),
        ("a\x00b\u202ec", "abc"),
        ("blue shirt - size L", "blue shirt - size L"),
        (None, None),
    ],
)
def test_neutral_text(text: str | None, safe: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(neutral(pl.col("text"))).item() == safe
