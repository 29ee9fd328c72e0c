"""Ids that are too long to be ids: a cell that runs to the end of a damaged file, or a text in the
column of ids. Pages and sheets could not show them."""

from __future__ import annotations

import polars as pl

# the longest texts that identify something are titles of products, of up to 255 letters in the
# common shops
MOST_LETTERS = 256
TOO_LONG = f"longer than the {MOST_LETTERS} letters that an id may have; is the cell damaged?"


def is_too_long(ids: pl.Series) -> pl.Series:
    """Whether each id of a column of texts is too long, without spaces around it; null is not."""
    # a letter has one byte or more
    if not (ids.str.len_bytes() > MOST_LETTERS).any():
        return pl.repeat(False, ids.len(), eager=True)
    return (ids.str.strip_chars().str.len_chars() > MOST_LETTERS).fill_null(False)
