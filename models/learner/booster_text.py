"""Read the text of a LightGBM model that may be damaged.

LightGBM reads the trees in several threads, at the positions that the text states. A wrong position
ends the whole process, without an error that could be caught.
"""

from __future__ import annotations

import re

import lightgbm as lgb

_SIZES = re.compile(r"^tree_sizes=([\d ]*)$", re.MULTILINE)
_FIRST, _END = "\nTree=0\n", "end of trees"


def booster_from_text(text: str) -> lgb.Booster:
    """The booster. Raises `ValueError` if the trees are not where the text says, and LightGBM's
    error for other damage."""
    start = text.find(_FIRST)
    sizes = _SIZES.search(text[: max(start, 0)])
    if sizes is None:
        raise ValueError("the text has no trees, or no sizes of trees")
    position = start + 1
    for number, size in enumerate(sizes[1].split()):
        if not text.startswith(f"Tree={number}\n", position):
            raise ValueError(f"tree {number} is not where the text says")
        position += int(size)
    if not text.startswith(_END, position):
        raise ValueError("the last tree does not end where the text says")
    return lgb.Booster(model_str=text)
