"""Whatever happened to the files of a store from night to night, its tables and its quarantine are,
to the byte, those of a load from scratch of the files of that night.

Files are added, changed, reordered, damaged, removed and put back. A load that refuses the files
leaves the last good tables.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.settings.config import Config
from tests.unit.load.loaded_state import loads, state
from tests.unit.source_folders import Row, Source, sound_source

ORDERS = 4
CONFIG = Config(max_fault_share=0.3)
OPTIONAL = ("shipments.csv", "tracking.csv", "disputes.csv")
Files = dict[str, list[Row]]
# (what happens, a number that chooses where)
Step = tuple[str, int]
KINDS = ("nothing", "order", "country", "fault", "reverse", "remove", "copy", "go back", "junk")


def changed(files: Files, past: list[Files], step: Step) -> Files:
    """The files after a step; `past` has those of all nights before."""
    kind, number = step
    files, everything = copy.deepcopy(files), sound_source("canonical").files
    names = sorted(files)
    name, position = names[number % len(names)], number % len(files["orders.csv"])
    optional = [n for n in OPTIONAL if n in files]
    if kind == "order":
        count = len(files["orders.csv"])
        for table, rows in files.items():
            rows.append(everything[table][count])
    elif kind == "country":
        files["orders.csv"][position]["country"] = ("FR", "ES")[number % 2]
    elif kind == "fault":
        files[name][number % len(files[name])]["occurred_at"] = "someday"
    elif kind == "copy":
        files[name].append(files[name][number % len(files[name])])
    elif kind == "reverse":
        files[name].reverse()
    elif kind == "remove" and optional:
        del files[optional[number % len(optional)]]
    elif kind == "go back":
        files = copy.deepcopy(past[number % len(past)])
    elif kind == "junk":
        files["orders.csv"][position]["total_usd"] = "lots"
        files["orders.csv"][position - 1]["total_usd"] = "lots"
    return files


def write(files: Files, raw: Path) -> None:
    shutil.rmtree(raw, ignore_errors=True)
    Source("canonical", files).write(raw)


def tables_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("tables/")}


steps = st.tuples(st.sampled_from(KINDS), st.integers(0, 20))


@settings(max_examples=8, deadline=None)
@given(history=st.lists(steps, min_size=2, max_size=4))
@example(history=[("nothing", 0), ("junk", 0), ("go back", 0), ("nothing", 0)])
@example(history=[("fault", 1), ("copy", 0), ("go back", 1), ("reverse", 2)])
def test_tables_and_quarantine_are_those_of_a_load_from_scratch(history: list[Step]) -> None:
    source = sound_source("canonical").files
    files: Files = {name: rows[:ORDERS] for name, rows in source.items()}
    past = [files]
    with TemporaryDirectory() as folder:
        raw, nightly = Path(folder) / "raw", Path(folder) / "w"
        write(files, raw)
        assert loads(nightly, raw, CONFIG)
        good = tables_of(state(nightly))
        for number, step in enumerate(history):
            files = changed(files, past, step)
            past.append(files)
            write(files, raw)
            scratch = Path(folder) / f"scratch-{number}"
            is_good = loads(scratch, raw, CONFIG)
            assert loads(nightly, raw, CONFIG) == is_good
            expected = state(scratch)
            good = tables_of(expected) if is_good else good
            assert state(nightly) == {**expected, **good}
