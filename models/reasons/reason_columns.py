"""The columns of a list that hold its reasons: the texts, and their keys for translation."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from features.sentence import NO_SENTENCE, Sentence

COUNT_REASONS = 3
REASONS = tuple(f"reason_{number}" for number in range(1, COUNT_REASONS + 1))
REASON_KEYS = tuple(f"{name}_key" for name in REASONS)


def reason_columns(sentences: Sequence[Sequence[Sentence]]) -> pl.DataFrame:
    """`reason_1..3` (text) and `reason_1_key..3_key` (JSON) per row; empty without a reason."""
    padded = [
        [*row, *[NO_SENTENCE] * (COUNT_REASONS - len(row))][:COUNT_REASONS] for row in sentences
    ]
    columns = {
        name: [str(row[number]) for row in padded] for number, name in enumerate(REASONS)
    } | {
        name: [
            json.dumps(row[number].key, ensure_ascii=False) if row[number] else "" for row in padded
        ]
        for number, name in enumerate(REASON_KEYS)
    }
    return pl.DataFrame(columns, schema=dict.fromkeys((*REASONS, *REASON_KEYS), pl.String))
