"""Mutate one file of a finished workspace after the other, and score: no traceback, no wrong list.

Each mutation flips a bit, truncates, empties, scrambles, or puts a folder in the file's stead. The
step must end with the expected list, or with a message and one of the known exit codes. Prints the
counts, and fails if any list was wrong or any traceback was shown.

PYTHONPATH=. python tests/bench/mutations.py WORKSPACE AS_OF [COUNT] [SEED]
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pipeline.__main__ import main as program
from pipeline.cli.app import app
from tests.unit.workspace.test_damaged_files import MUTATIONS, new_copy, own_files

KNOWN = {0, 10, 11, 12, 17, 19, 20}


def score(folder: Path, as_of: str) -> tuple[int, str]:
    arguments = ["score", "--as-of", as_of, "--force", "--workspace", str(folder)]
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            program(lambda: app(arguments, standalone_mode=False))
        except SystemExit as ended:
            return int(ended.code or 0), errors.getvalue()
        except BaseException as error:
            return 99, f"Traceback: {error!r}"
    return 98, ""


def main(workspace: Path, as_of: str, count: int, seed: int) -> int:
    draw, counts, faults = random.Random(seed), Counter[str](), list[str]()
    expected = (workspace / "runs" / as_of / "latest" / "contact_list.csv").read_bytes()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "w"
        for number in range(1, count + 1):
            new_copy(workspace, folder)
            file, mutation = draw.choice(own_files(folder)), draw.choice(MUTATIONS)
            mutation(file, draw)
            code, errors = score(folder, as_of)
            what = f"{number}: {mutation.__name__} {file.relative_to(folder)}: exit {code}"
            counts[f"exit {code}"] += 1
            if "Traceback" in errors or code not in KNOWN:
                faults.append(f"{what} {errors[-600:]}")
            elif code == 0:
                listed = folder / "runs" / as_of / "latest" / "contact_list.csv"
                if listed.read_bytes() != expected:
                    faults.append(f"{what} WRONG LIST")
            if number % 25 == 0 or number == count:
                sys.stdout.write(f"{number} mutations, {len(faults)} faults, {dict(counts)}\n")
                sys.stdout.flush()
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.writelines(f"    {fault}\n" for fault in faults)
    return bool(faults)


if __name__ == "__main__":
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 22
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], count, seed))
