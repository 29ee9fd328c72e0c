"""Install the packages of lock files into a virtual environment: with uv, or else with pip.

`make` runs this file by its path before anything is installed, so it uses the standard library
only:

    python pipeline/installation/install_locked.py .venv requirements.lock

uv needs a tenth of pip's time. A uv on the PATH is used; otherwise pip installs the one that
requirements-uv.lock pins. uv does not read pip's settings, so they are passed to it as variables:
a mirror that a user has set for pip holds for both. With a setting that uv does not have, or if uv
fails, pip installs. Each file must have the hash that the lock file has for it, in both cases.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Mapping, Sequence
from pathlib import Path

UV_LOCK = Path(__file__).resolve().parents[2] / "requirements-uv.lock"
# pip's setting -> uv's variable
_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
    "cache-dir": ("UV_CACHE_DIR",),
    "no-cache-dir": ("UV_NO_CACHE",),
    "proxy": ("HTTPS_PROXY", "HTTP_PROXY"),
}
# they change nothing in what is installed; the lock files alone choose the versions
_WITHOUT_EFFECT = frozenset(
    (
        "break-system-packages",
        "compile",
        "constraint",
        "disable-pip-version-check",
        "no-color",
        "no-compile",
    )
    + ("no-input", "no-python-version-warning", "no-warn-script-location", "prefer-binary")
    + ("progress-bar", "quiet", "require-virtualenv", "retries", "root-user-action", "verbose")
)
_PATHS = frozenset(("cert", "client-cert", "cache-dir"))
_YES = frozenset(("1", "true", "yes", "on"))
# of the commands that pip has, these settings hold for `pip install`
_SECTIONS = (":env:", "install", "global")


def main(arguments: Sequence[str]) -> int:
    """Install lock files (the arguments after the first) into the environment (the first)."""
    python = str(Path(arguments[0], "bin", "python").absolute())
    requirements = [part for lock in arguments[1:] for part in ("--requirement", lock)]
    options = ["--quiet", "--no-deps", "--require-hashes", *requirements]
    settings = pip_settings(python)
    if uv := uv_command(python, settings):
        command = [*uv, "pip", "install", "--python", python, *options]
        if settings.get("no-index", "").lower() in _YES:
            command.append("--no-index")
        environment = uv_environment(settings, os.environ)
        if subprocess.run(command, env=environment, check=False).returncode == 0:
            return 0
        sys.stderr.write("uv could not install the packages; trying pip, which takes longer\n")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-compile"]
    return subprocess.run([*pip, *options], check=False).returncode


def uv_command(python: str, settings: Mapping[str, str]) -> list[str] | None:
    """How to start uv; None if it cannot be had, or does not have a setting of this user's pip."""
    if unknown := sorted(settings.keys() - _VARIABLES.keys() - _WITHOUT_EFFECT - {"no-index"}):
        sys.stderr.write(f"pip installs, because uv lacks its setting {', '.join(unknown)}\n")
        return None
    if on_path := shutil.which("uv"):
        return [on_path]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    bootstrap = [*pip, "--no-deps", "--require-hashes", "--requirement", str(UV_LOCK)]
    ended = subprocess.run(bootstrap, capture_output=True, check=False)
    return [python, "-m", "uv"] if ended.returncode == 0 else None


def pip_settings(python: str) -> dict[str, str]:
    """The settings of pip that hold for `install`, from its files and variables."""
    listed = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    settings: dict[str, str] = {}
    for section in reversed(_SECTIONS):
        for line in listed.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(f"{section}."):
                settings[key.removeprefix(f"{section}.")] = str(literal_eval(value)).strip()
    settings.pop("config-file", None)
    return {key: value for key, value in settings.items() if value}


def uv_environment(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: a variable of its own that is set already goes before pip's."""
    # pip takes a file from any of the indexes; the hash decides whether it is the right one
    added = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_PROGRESS": "1"}
    for key, value in settings.items():
        # uv separates these by commas, because a path may hold a space
        listed = (
            value if key in _PATHS else ("," if key == "find-links" else " ").join(value.split())
        )
        added.update((name, listed) for name in _VARIABLES.get(key, ()))
    return {**added, **environment}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
