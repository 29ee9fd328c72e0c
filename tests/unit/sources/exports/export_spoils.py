"""Spoil cells of an export as spreadsheets, copying and hostile hands do. No spoiled cell is a
valid value of its own: what is loaded of it is right, or it is wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random

# a spreadsheet of another country, and what no number, time or id is
GARBAGE = (
    "n/a",
    "#REF!",
    "=1+1",
    "<script>x</script>",
    "1.2.3.4",
    "12,3,4",
    "--",
    "\u00a0?",
    "5.02951E+15",
)
BAD_TIMES = ("31/02/2026 10:00", "2026-13-01 10:00", "0000-00-00 00:00:00", "30.02.26", "yesterday")
_NUMBERS = (
    "total", "subtotal", "price", "amount", "quantity", "cost", "shipping_total", "order value",
    "sold for", "shipping and handling", "revenue", "gross", "item-price", "shipping-price",
)  # fmt: skip
_TIMES = ("date", "created", "paid at", "fulfilled at", "opened", "due by")
# where an empty cell has a documented meaning: no shipping, one piece
_MAY_BE_EMPTY = ("quantity", "shipping", "tax", "fee", "discount")


def _kind(name: str) -> str:
    words = name.lower()
    if any(word in words for word in _TIMES):
        return "time"
    if any(word == words or word in words for word in _NUMBERS):
        return "number"
    return "other"


def _other_decimal(text: str) -> str:
    """The number as the other kind of country writes it; only where that cannot be read as another
    number."""
    if "," in text and "." not in text:
        return text.replace(",", ".")
    return text.replace(".", ",")


def spoil(path: Path, separator: str, rng: Random, count: int) -> list[str]:
    """Spoil up to `count` cells of numbers and times, or cut a row. Returns what was done."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")), delimiter=separator))
    names, body = rows[0], rows[1:]
    done = []
    for _ in range(count):
        row, column = rng.randrange(len(body)), rng.randrange(len(names))
        if column >= len(body[row]) or not body[row][column]:
            continue
        kind, text = _kind(names[column]), body[row][column]
        if kind == "other":
            continue
        spoiled = rng.choice(
            [*GARBAGE, *(BAD_TIMES if kind == "time" else ()), "", "other country"]
        )
        if spoiled == "other country":
            spoiled = _other_decimal(text) if kind == "number" else rng.choice(BAD_TIMES)
        if spoiled == "" and any(word in names[column].lower() for word in _MAY_BE_EMPTY):
            continue
        body[row][column] = spoiled
        done.append(f"{path.name} row {row + 2} {names[column]}: {text!r} -> {spoiled!r}")
    if rng.random() < 0.1:
        row = rng.randrange(len(body))
        body[row] = body[row][: rng.randrange(1, len(names))]
        done.append(f"{path.name} row {row + 2} cut")
    text_of_file = io.StringIO()
    writer = csv.writer(text_of_file, delimiter=separator, lineterminator="\r\n")
    writer.writerows([names, *body])
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    path.write_text(text_of_file.getvalue(), encoding=encoding)
    return done
