"""Write the Open Platform's answers to disk as dumps, and damage them at random."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from pipeline.sources.aliexpress.record_checks import DumpRows
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.store_data import StoreData
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources import aliexpress_dispute_answers as disputes

# the answers of one small store
ANSWERS = {
    "orders": answers.order_list,
    "detail": answers.order_detail,
    "info": answers.order_info,
    "tracking": answers.tracking,
    "issues": disputes.issue_list,
    "issue": disputes.issue_detail,
}
TAKEN = "2024-11-05T0200"
STRANGE: list[Any] = [
    None,
    "",
    {},
    [],
    "x" * 10_000,
    10**30,
    -1,
    1e308,
    True,
    [[["a"]]],
    {"a": {"b": {}}},
    "2024-13-45 99:00:00",
    "=cmd|x",
    "\u0000",
    {"currency_code": "XXX", "amount": "1,5"},
    "8194715118451470",
    float("inf"),
    [None, {}, "x"],
]
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16"]
# the names and positions that lead to a value
Steps = tuple[Any, ...]


def paths_in(node: Any, path: Steps = ()) -> list[Steps]:
    """The path of the node itself and of each value inside it."""
    inner = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [path, *[inside for name, value in inner for inside in paths_in(value, (*path, name))]]


def value_at(node: Any, path: Sequence[Any]) -> Any:
    """The value that `path` leads to."""
    for step in path:
        node = node[step]
    return node


def bare(node: Any) -> Any:
    """The answer in the form of the newer gateway: lists without a wrapper."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {name: bare(value) for name, value in node.items()}
    for name, value in inner.items():
        if name.endswith("_list") and isinstance(value, dict):
            inner[name] = next(iter(value.values()), [])
    return inner


def write(folder: Path, taken: str, **dumps: Any) -> Path:
    """Write one dump per answer, with the time it was taken in its name; return the folder."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, answer in dumps.items():
        (folder / f"{name}-{taken}.json").write_text(
            json.dumps(copy.deepcopy(answer), ensure_ascii=False)
        )
    return folder


def write_all(folder: Path, taken: str = TAKEN, *, is_bare: bool = False) -> Path:
    """Write a dump of each of `ANSWERS`; return the folder."""
    dumps = {name: answer() for name, answer in ANSWERS.items()}
    if is_bare:
        dumps = {name: bare(answer) for name, answer in dumps.items()}
    return write(folder, taken, **dumps)


def spoiled(rng: Random) -> bytes:
    """An answer with up to three wrong values, in some encoding; one in four is cut off."""
    answer: Any = ANSWERS[rng.choice(sorted(ANSWERS))]()
    for _ in range(rng.randint(0, 3)):
        paths = [path for path in paths_in(answer) if path]
        *parents, last = rng.choice(paths) if paths else ("x",)
        node = value_at(answer, parents)
        if isinstance(node, list) or last not in node or rng.random() < 0.6:
            node[last] = copy.deepcopy(rng.choice(STRANGE))
        else:
            del node[last]
    text = json.dumps(answer, ensure_ascii=False).encode(rng.choice(ENCODINGS))
    return text[: rng.randint(0, len(text))] if rng.random() < 0.25 else text


def account(data: StoreData) -> int:
    """Assert that each row is good or in quarantine after the contract; return the row count."""
    enforce_contract(data)
    for file in data.files:
        faults = file.quarantine().height
        if isinstance(file, DumpRows):
            bad = file.bad_rows().n_unique()
            assert file.good_rows().height + bad == file.count_rows
            assert faults >= bad
        else:
            assert faults == file.count_rows
    return sum(file.count_rows for file in data.files)
