"""The command `dispute-risk`: checks that the three packages are this program's, then starts it.

The packages keep the names `features`, `models` and `pipeline`, which other distributions may use
too: pip then replaces files of one by those of the other, without a word. This module has a name of
its own, so it starts even then, and says what happened.
"""

from __future__ import annotations

import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "dispute-risk"
PACKAGES = ("features", "models", "pipeline")
# pipeline.settings.errors.ForeignPackage, which may not be there when it is needed
EXIT_CODE = 23
HOME = Path(__file__).resolve().parent


def main() -> None:
    """Start the command line, or end with exit code 23 if another distribution took a package."""
    for name in PACKAGES:
        if fault := fault_of(name, HOME):
            sys.stderr.write(f"{DISTRIBUTION}: {fault} {_advice(name)}\n")
            sys.exit(EXIT_CODE)
    from pipeline.__main__ import main as run

    run()


def fault_of(name: str, home: Path) -> str:
    """What is wrong with the package `name` of the installation in `home`; empty if it is ours."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return f"the package {name} of this program is missing, or half removed."
    start = Path(spec.origin).resolve()
    if start != home / name / "__init__.py":
        return f"Python takes the package {name} from {start.parent}, which is not this program's."
    expected = _recorded_hash(f"{name}/__init__.py", home)
    if expected and expected != _hash_of(start):
        return f"{start} is not the file that was installed with this program."
    return ""


def _recorded_hash(file: str, home: Path) -> str:
    """The hash in the list of installed files; empty in a checkout, which has no such list."""
    try:
        installed = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return ""
    if Path(str(installed.locate_file(""))).resolve() != home:
        return ""
    hashes = [path.hash for path in installed.files or () if path.as_posix() == file]
    return hashes[0].value if hashes and hashes[0] else ""


def _hash_of(file: Path) -> str:
    return urlsafe_b64encode(sha256(file.read_bytes()).digest()).rstrip(b"=").decode()


def _advice(name: str) -> str:
    others = sorted(set(packages_distributions().get(name, ())) - {DISTRIBUTION})
    owner = (
        f"The distribution {', '.join(others)} has a package of that name too. " if others else ""
    )
    return (
        f"{owner}Install {DISTRIBUTION} into an environment of its own (pipx, uv tool, or "
        "python -m venv), and unset PYTHONPATH if it leads there. Nothing was changed."
    )


if __name__ == "__main__":
    main()
