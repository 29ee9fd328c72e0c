"""Read thousands of broken dumps: no traceback, and every row is in a table or in quarantine.

PYTHONPATH=. python tests/bench/spoiled_dumps.py [DUMPS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

SEED, AT_ONCE = 7, 100


def main(count: int) -> None:
    from pipeline.settings.errors import BadInput
    from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
    from pipeline.sources.source_context import SourceContext
    from tests.unit.sources import aliexpress_dumps as made

    rng, rows, refused = Random(SEED), 0, 0
    for first in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            raw = made.write(Path(folder), "2024-11-05T0200", orders=made.ANSWERS["orders"]())
            for number in range(AT_ONCE):
                (raw / f"spoiled-2024-11-06-{number}.json").write_bytes(made.spoiled(rng))
            try:
                rows += made.account(read_aliexpress(SourceContext(raw)))
            except BadInput as error:
                refused += 1
                sys.stdout.write(f"refused: {error}\n")
        if first % 2000 == 0:
            sys.stderr.write(f"... {first + AT_ONCE:,} dumps\n")
    sys.stdout.write(
        f"{count:,} broken dumps: no traceback; {rows:,} rows, each in a table or in quarantine; "
        f"{refused} refused\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
