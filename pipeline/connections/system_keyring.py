"""Secrets in the keyring of the system, through the library `keyring`, which is optional.

A keyring belongs to a desktop session. Without one, as under cron, there is none, or it is locked
and asks a person who is not there. So each call runs in a thread that is left behind after a while.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from pipeline.connections.call_faults import SecretFault

# enough to type a password into the window that unlocks a keyring
LONGEST_SECONDS = 60.0
INSTALL = "install the extra dispute-risk[keyring], or make connect KEYRING=1"
PROBE = "dispute-risk/is-it-open"
ELSEWHERE = 'A scheduled night has no keyring as a rule: use { file = "/path" } there.'


def read_keyring(entry: str, setting: str) -> str:
    """The secret of the entry `service/name`. Raises `SecretFault` if there is none, if the
    keyring is locked, or if this machine has no keyring."""
    service, name = _parts(entry)
    value = _called(lambda library: library.get_password(service, name), setting)
    if value is None:
        raise SecretFault(f"{setting}: the keyring has no entry {entry}")
    return str(value)


def require_keyring(setting: str) -> None:
    """Raise `SecretFault` if this session has no keyring that opens and keeps entries safely: some
    backends, which the library itself does not recommend, have them in a plain file."""

    def opened(library: Any) -> None:
        if library.get_keyring().priority < 1:
            raise SecretFault(f"{setting}: this machine has no keyring that is safe. {ELSEWHERE}")
        library.get_password(*_parts(PROBE))

    _called(opened, setting)


def write_keyring(entry: str, value: str, setting: str) -> None:
    """Store a secret as the entry `service/name`. Raises `SecretFault`."""
    require_keyring(setting)
    service, name = _parts(entry)
    _called(lambda library: library.set_password(service, name, value), setting)


def _parts(entry: str) -> tuple[str, str]:
    service, _, name = entry.partition("/")
    return service, name


def _called(call: Callable[[Any], Any], setting: str) -> Any:
    """What the call returns. What went wrong is described by the kind of the error alone: the text
    of a backend's error may be anything."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(call(_library(setting)))
        except BaseException as error:
            results.append(error)

    thread = Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(LONGEST_SECONDS)
    if not results:
        raise SecretFault(
            f"{setting}: the keyring did not answer within {LONGEST_SECONDS:.0f} seconds; it may "
            f"wait for someone to unlock it. {ELSEWHERE}"
        )
    if isinstance(results[0], SecretFault):
        raise results[0]
    if isinstance(results[0], BaseException):
        kind = type(results[0]).__name__
        raise SecretFault(f"{setting}: the keyring cannot be used ({kind}). {ELSEWHERE}") from None
    return results[0]


def _library(setting: str) -> Any:
    # it takes a third of a second to load, and few stores need it
    try:
        import keyring
    except ImportError:
        raise SecretFault(f"{setting}: the library keyring is missing; {INSTALL}") from None
    return keyring
