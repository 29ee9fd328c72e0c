"""Exports of well-known systems, saved in several countries and zones and with spoiled cells: how
many values are loaded that are wrong? Run: python tests/bench/exports.py [COUNT] [FIRST_SEED]

Each export is read with the mapping that `make map` proposes, without an edit but the currency of a
system whose files have none. An oracle knows each right value. A row that is refused, a value that
is absent and a folder that is refused as a whole are no errors; they are counted.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.load.propose_mapping import propose_mapping
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from tests.unit.sources.exports.export_files import LOCALES, SHOPS, write_table
from tests.unit.sources.exports.export_oracle import EUR, wrong_values
from tests.unit.sources.exports.export_spoils import spoil
from tests.unit.sources.exports.export_truth import made_orders
from tests.unit.sources.exports.marketplace_files import MARKETPLACES, order_number

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Sydney")
RATES = {"USD": 1.0, "EUR": EUR}
COUNT_ORDERS = 24
DAYS_ONLY = ("eBay", "Etsy")


def one_export(seed: int, folder: Path) -> tuple[str, str, list[str], list[str]]:
    """The kind of shop, the outcome, what was spoiled, and the values that are wrong."""
    rng = Random(seed)
    shops = SHOPS | MARKETPLACES
    shop = rng.choice(list(shops))
    writers, reasons = shops[shop]
    locale, zone = LOCALES[rng.choice(list(LOCALES))], rng.choice(ZONES)
    orders = made_orders(rng, COUNT_ORDERS, zone, reasons)
    spoiled: list[str] = []
    for name, writer in writers.items():
        table = writer(orders, zone)
        if not table[1]:
            return shop, "no disputes", [], []
        write_table(folder / name, table, locale)
        if rng.random() < 0.7:
            spoiled += spoil(folder / name, locale.separator, rng, rng.randint(1, 3))
    try:
        path = propose_mapping(folder, zone=zone)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('currency = "USD"', 'currency = "EUR"'), encoding="utf-8")
        data = enforce_contract(read_mapped(SourceContext(folder, RATES)))
    except BadInput as error:
        return shop, f"refused: {str(error)[-60:]}", spoiled, []
    days = zone if shop in DAYS_ONLY else None
    number = order_number if shop in MARKETPLACES else str
    wrong = wrong_values(data.frames, orders, number, days)
    if shop == "Amazon":
        # its returns have days, and its orders have times
        wrong = [line for line in wrong if ": disputed " not in line]
    faults = sum(file.quarantine().height for file in data.files)
    return shop, "rows refused" if faults else "loaded", spoiled, wrong


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes: Counter[tuple[str, str]] = Counter()
    count_wrong, started = 0, time.monotonic()
    for seed in range(first, first + count):
        with (
            tempfile.TemporaryDirectory() as name,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            shop, outcome, spoiled, wrong = one_export(seed, Path(name))
        outcomes[shop, outcome.split(":")[0]] += 1
        if wrong:
            count_wrong += 1
            say(f"seed {seed} {shop}: {'; '.join(wrong[:3])} | {'; '.join(spoiled)}")
        if (seed - first) % 50 == 49:
            say(f"{seed - first + 1} exports, {time.monotonic() - started:.0f} s")
    for (shop, outcome), number in sorted(outcomes.items()):
        say(f"{shop:<28} {outcome:<14} {number:>6}")
    say(f"{count} exports, {count_wrong} with a wrong value, {time.monotonic() - started:.0f} s")
    sys.exit(1 if count_wrong else 0)


if __name__ == "__main__":
    main()
