"""Loading compacted dumps gives the tables, with every `known_at`, of loading all dumps."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.load.pulling.compact_dumps import compact_dumps
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.erased_ids import NO_ERASED_IDS
from pipeline.sources.erasure.erased_rows import erase_rows
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.unit.sources.aliexpress_answers import ORDER, PARCEL
from tests.unit.sources.aliexpress_dumps import ANSWERS, STRANGE, paths_in, value_at
from tests.unit.sources.dump_rows import assert_same_rows, rows_of

STATUSES = ("WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_ACCEPT_GOODS", "FINISH")
# an answer that repeats another one, one that changed, one that is an error
Line = tuple[str, int, int]
lines = st.tuples(st.sampled_from(sorted(ANSWERS)), st.integers(0, 4), st.integers(0, 2))
pulls = st.lists(st.lists(lines, min_size=1, max_size=5), min_size=1, max_size=4)


def answer(kind: str, variant: int) -> Any:
    """One of a few answers of a kind: as it came first, or with other values."""
    content, draw = ANSWERS[kind](), Random(variant)
    for _ in range(variant):
        *parents, last = draw.choice([path for path in paths_in(content) if path])
        node = value_at(content, parents)
        is_text = isinstance(node[last], str)
        node[last] = draw.choice(STATUSES) if is_text and draw.random() < 0.5 else STRANGE[variant]
    return content


def dump_lines(pull: list[Line], night: int) -> Iterator[str]:
    """The lines of one pull; several answers arrive in the same second, none is asked for twice."""
    for page, (kind, variant, second) in enumerate(pull):
        arrived = f"2025-06-{night + 10}T12:00:0{second}Z"
        request = {"order_id": "8194715118461470", "page": page}
        head = {"fetched_at": arrived, "request": request}
        yield json.dumps({**head, **answer(kind, variant)}, ensure_ascii=False)


def write_pull(folder: Path, pull: list[Line], night: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # two files a night, as after a break
    rows, half = list(dump_lines(pull, night)), len(pull) // 2
    for number, part in enumerate((rows[:half], rows[half:]), 1):
        if part:
            path = folder / f"answers-202506{night + 10}T120000-000{number}.jsonl"
            path.write_text("\n".join(part) + "\n")


def assert_same(left: StoreData, right: StoreData) -> None:
    assert left.input_sha256 == right.input_sha256
    for name, frame in left.frames.items():
        assert_frame_equal(frame, right.frames[name], check_exact=True)
    # what is refused, with the file and the row that it came from
    rejected = [[file.quarantine() for file in data.files] for data in (left, right)]
    for before, after in zip(*rejected, strict=True):
        assert_frame_equal(before, after, check_exact=True)


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(pulls, st.randoms(use_true_random=False))
def test_compaction_changes_no_fact_and_no_time(history: list[list[Line]], draw: Random) -> None:
    """Pull after pull, with any dumps compacted in between, in a workspace that loads now and then
    and in one that loads for the first time."""
    with tempfile.TemporaryDirectory() as name:
        every, compacted = Path(name) / "all", Path(name) / "compacted"
        states = Path(name) / "w", Path(name) / "w2"
        for night, pull in enumerate(history):
            write_pull(every / "main", pull, night)
            write_pull(compacted / "main", pull, night)
            due = {draw.choice(sorted((compacted / "main").glob("*.jsonl")))}
            if draw.random() < 0.6:
                assert compact_dumps(compacted / "main", due.__contains__).count_dumps == 1
            if draw.random() < 0.5:
                assert_same_rows(rows_of(every, states[0]), rows_of(compacted, states[1]))
        assert_same_rows(rows_of(every), rows_of(compacted))
        assert_same_rows(rows_of(every), rows_of(compacted, states[1]))
        assert_same(*(read_aliexpress(SourceContext(raw)) for raw in (every, compacted)))


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(pulls, st.randoms(use_true_random=False))
def test_a_buyer_erased_on_any_night_leaves_the_same_rows(
    history: list[list[Line]], draw: Random
) -> None:
    """Rows that were erased, and rows that came afterwards, are those of an erasure at the end."""
    erased = NO_ERASED_IDS.with_buyer("br0001").with_numbers([(PARCEL, str(ORDER))])
    since = draw.randrange(len(history))
    history = [[("orders", 0, 0), ("detail", 0, 0), *history[0]], *history[1:]]
    with tempfile.TemporaryDirectory() as name:
        every, compacted = Path(name) / "all", Path(name) / "compacted"
        for night, pull in enumerate(history):
            write_pull(every / "main", pull, night)
            write_pull(compacted / "main", pull, night)
            if night >= since:
                compact_dumps(compacted / "main", lambda path: False, erased)
        rows, dumps = rows_of(every)
        assert "br0001" in rows["orders"]["buyer_id"]
        assert PARCEL in rows["parcels"]["number"]
        expected = erase_rows(rows, erased)
        after, _ = rows_of(compacted)
        erased_after = erase_rows(after, erased)
        for kind, frame in expected.items():
            assert_frame_equal(erased_after[kind], frame, check_exact=True)
        assert rows_of(compacted)[1] == dumps
        assert "br0001" not in after["orders"]["buyer_id"]
        assert PARCEL not in after["parcels"]["number"]
