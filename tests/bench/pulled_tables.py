"""Compare the tables and features of a pulled store with those from the store's own files, but for
what docs/reference/aliexpress-fields.md lists as not asked for: `asked_dumps.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from features.build.registry import build_features
from features.clock import day_number
from features.spine import build_spine
from features.tables import TABLES, Tables
from pipeline.settings.config import Config
from pipeline.settings.source_settings import SourceSettings
from tests.unit.sources.openplatform.asked_dumps import AskedDumps
from tests.unit.sources.openplatform.loaded_tables import load_dumps, with_own_messages

SHOWN, MOST_TEXT = 2, 600


def count_differences(
    pulled: Path,
    own: Path,
    raw: Path,
    moments: Sequence[datetime],
    folder: Path,
    say: Callable[[str], None],
) -> int:
    """Print a line per table and one about the features. Returns how many of them differ."""
    wrong, asked = 0, AskedDumps(folder / "asked")
    asked.add_all(own, moments)
    say(f"not asked for: {dict(asked.unasked)}")
    ours, theirs = load_dumps(pulled, folder / "w-pulled"), load_dumps(own, folder / "w-own")
    expected = load_dumps(asked.folder, folder / "w-asked")
    for name in TABLES:
        wrong += _differs(name, ours[name], theirs[name], expected[name], say)
    config = Config(sources=SourceSettings(history="as_it_happened"))
    tables = load_dumps(pulled, folder / "w-history", config)
    nights = [moment.date() + timedelta(days=1) for moment in moments]
    features = [
        _features(each, nights) for each in (tables, with_own_messages(tables, raw, moments))
    ]
    is_equal = features[0].equals(features[1])
    for name in features[0].columns if not is_equal else ():
        if not features[0][name].equals(features[1][name]):
            count = features[0][name].ne_missing(features[1][name]).sum()
            say(f"    {name}: {count:,} values differ")
    names = [name for name in features[0].columns if name.startswith("conversation_")]
    filled = sum(features[0][name].sum() > 0 for name in names if "_count_" in name)
    say(
        f"features: {features[0].height:,} rows of {len(nights)} nights, pulled and canonical "
        f"messages {'equal' if is_equal else 'DIFFER'}; {filled} counts of messages are not 0"
    )
    return wrong + (not is_equal)


def _features(tables: Tables, nights: Sequence[date]) -> pl.DataFrame:
    return build_features(tables, build_spine(tables, [day_number(night) for night in nights]))


def _differs(
    name: str,
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    expected: pl.DataFrame,
    say: Callable[[str], None],
) -> bool:
    left, right = (frame.sort(pl.all()) for frame in (ours, expected))
    is_equal = left.equals(right)
    say(
        f"{name}: {left.height:,} rows pulled, {theirs.height:,} own, "
        f"{theirs.height - right.height:,} of them not asked for"
        f"{'' if is_equal else ', DIFFER'}"
    )
    if not is_equal:
        for title, first, second in (("pulled", left, right), ("asked for", right, left)):
            only = first.join(second, on=first.columns, how="anti", nulls_equal=True)
            say(
                f"    only {title}: {only.height:,}: {str(only.head(SHOWN).to_dicts())[:MOST_TEXT]}"
            )
    return not is_equal
