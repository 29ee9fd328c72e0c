"""Mutate one file of a finished workspace after the other, and run a step: no traceback, no wrong
list, no step that waits for ever.

`tests/unit/mutated_files.py` has the mutations. Most steps are `score`, which must end with the
list of the unchanged workspace, or with a message and one of the known exit codes; the others only
read. All steps run in this process: starting one takes longer than the step. MLflow keeps some
megabytes per workspace, so run a few hundred at a time, each with its own seed. Prints the counts
by kind of file and exit code, and fails if there is a fault.

PYTHONPATH=. python tests/bench/mutations.py WORKSPACE AS_OF [COUNT] [SEED]
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pipeline.__main__ import main as program
from pipeline.cli.app import app
from tests.unit.mutated_files import MUTATIONS, OF_LINKS, Mutation, new_copy, own_files

KNOWN = {0, 10, 11, 12, 17, 19, 20}
# a step of a small workspace takes a second; one that takes this long waits for something, or the
# machine is very busy
MOST_SECONDS = 200
SHARE_OF_SCORE = 0.7
SETTINGS = "settings differ from those of the night"
READERS = (
    ("kpi", "--as-of", "{as_of}"),
    ("products", "--as-of", "{as_of}"),
    ("impact", "--as-of", "{as_of}"),
    ("report", "--as-of", "{as_of}"),
    ("clock", "--as-of", "{as_of}"),
    ("quarantine",),
    ("requarantine",),
    ("rollback",),
)


class Waited(BaseException):
    """A step did not end in time."""


def run(folder: Path, arguments: tuple[str, ...], as_of: str) -> tuple[int, str]:
    """(exit code, all that it said) of a step."""
    command = [text.format(as_of=as_of) for text in arguments] + ["--workspace", str(folder)]
    errors = io.StringIO()

    def give_up(*_: object) -> None:
        raise Waited

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(MOST_SECONDS)
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(errors):
        try:
            program(lambda: app(command, standalone_mode=False))
        except SystemExit as ended:
            return int(ended.code or 0), errors.getvalue()
        except BaseException as error:
            return 99, f"Traceback: {error!r}"
        finally:
            signal.alarm(0)
    return 98, ""


def score(folder: Path, as_of: str) -> tuple[int, str]:
    return run(folder, ("score", "--as-of", "{as_of}", "--force"), as_of)


def list_of(folder: Path, as_of: str) -> bytes:
    return (folder / "runs" / as_of / "latest" / "contact_list.csv").read_bytes()


def kind_of(path: Path) -> str:
    """The file's place in any workspace: ids and dates are left out."""
    name = re.sub(r"m-[0-9a-f]{32}|\d{4}-\d\d-\d\d|\d{8}T\d{6}-[0-9a-f]{6}", "*", path.as_posix())
    return re.sub(r"-[0-9a-f]{12}\.", "-*.", name)


def draw_mutation(folder: Path, draw: random.Random) -> tuple[Path, Mutation]:
    """A file or link and what happens to it; each kind of file is drawn equally often."""
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    kinds: dict[str, list[Path]] = {}
    for path in sorted([*own_files(folder), *links]):
        kinds.setdefault(kind_of(path.relative_to(folder)), []).append(path)
    file = draw.choice(kinds[draw.choice(sorted(kinds))])
    return file, draw.choice(OF_LINKS if file.is_symlink() else MUTATIONS)


def fault_in(code: int, errors: str, is_wrong_list: bool) -> str:
    """What is wrong with the end of a step. Other settings may give another list: config.toml is a
    person's file, so the night must name the settings that changed."""
    if "Traceback" in errors or code not in KNOWN:
        return errors[-600:] or "ended in another way"
    if code and not errors.strip():
        return "no message"
    return "WRONG LIST" if is_wrong_list and SETTINGS not in errors else ""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(workspace: Path, as_of: str, count: int, seed: int) -> int:
    draw, faults = random.Random(seed), list[str]()
    codes, by_kind = Counter[str](), Counter[tuple[str, int]]()
    with tempfile.TemporaryDirectory() as temporary:
        clean = new_copy(workspace, Path(temporary) / "clean")
        assert score(clean, as_of)[0] == 0
        expected = list_of(clean, as_of)
        for number in range(1, count + 1):
            # a new name: MLflow and SQLAlchemy keep what they opened under a former one
            folder = new_copy(workspace, Path(temporary) / f"w{number}")
            file, mutation = draw_mutation(folder, draw)
            mutation(file, draw)
            is_score = draw.random() < SHARE_OF_SCORE
            step = ("score", "--as-of", "{as_of}", "--force") if is_score else draw.choice(READERS)
            code, errors = run(folder, step, as_of)
            kind = kind_of(file.relative_to(folder))
            is_wrong = is_score and code == 0 and list_of(folder, as_of) != expected
            codes[f"exit {code}"] += 1
            by_kind[kind, code] += 1
            if fault := fault_in(code, errors, is_wrong):
                faults.append(f"{number}: {step[0]}, {mutation.__name__} {kind}: {code} {fault}")
                say(f"    {faults[-1]}")
            shutil.rmtree(folder, ignore_errors=True)
            if number % 100 == 0 or number == count:
                say(f"{number} mutations, {len(faults)} faults, {dict(codes)}")
    for kind in sorted({kind for kind, _ in by_kind}):
        ends = {code: n for (name, code), n in sorted(by_kind.items()) if name == kind}
        say(f"{kind}: " + ", ".join(f"{n} ended with {code}" for code, n in ends.items()))
    return bool(faults)


if __name__ == "__main__":
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 22
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], count, seed))
