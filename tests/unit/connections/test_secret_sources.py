"""Secrets in the system's keyring, and secrets that services repeat in another form."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from pipeline.connections import system_keyring
from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.system_keyring import write_keyring
from pipeline.settings.delivery.delivery_section import SecretSource
from tests.unit.connections.memory_keyring import MemoryKeyring, memory_keyring

PLANTED = 'pl4nted "s3cret"/ü'
ENTRY = SecretSource(keyring="dispute-risk/aliexpress-main")


@pytest.fixture
def backend() -> Iterator[MemoryKeyring]:
    with memory_keyring() as memory:
        yield memory


def test_a_secret_is_read_from_the_keyring_and_hidden(backend: MemoryKeyring) -> None:
    assert ENTRY.keyring
    write_keyring(ENTRY.keyring, PLANTED, "pull.x")
    secrets = SecretValues()
    assert secrets.read_line(ENTRY, "pull.x") == PLANTED
    assert backend.entries == {("dispute-risk", "aliexpress-main"): PLANTED}
    assert secrets.hide(f"a {PLANTED} b") == "a [secret] b"


def test_a_keyring_that_cannot_be_used_is_a_clear_fault(
    backend: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretFault, match=r"pull.x: the keyring has no entry dispute-risk/ali"):
        SecretValues().read(ENTRY, "pull.x")
    backend.error = KeyringLocked(f"locked {PLANTED}")
    with pytest.raises(SecretFault, match=r"cannot be used \(KeyringLocked\)") as error:
        SecretValues().read(ENTRY, "pull.x")
    assert PLANTED not in str(error.value)
    # a locked keyring of a session that no one sees asks for ever
    backend.unlocked.clear()
    monkeypatch.setattr(system_keyring, "LONGEST_SECONDS", 0.05)
    with pytest.raises(SecretFault, match="did not answer within"):
        SecretValues().read(ENTRY, "pull.x")


def test_a_machine_without_a_keyring_says_what_to_write(backend: MemoryKeyring) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(SecretFault, match=r'NoKeyringError.*\{ file = "/path" \}'):
        SecretValues().read(ENTRY, "pull.x")
    with pytest.raises(SecretFault, match="no keyring that is safe"):
        write_keyring("a/b", PLANTED, "pull.x")


def test_without_the_library_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretFault, match=r"the library keyring is missing; .*KEYRING=1"):
        SecretValues().read(ENTRY, "pull.x")


def test_a_secret_is_hidden_as_services_write_it() -> None:
    secrets = SecretValues()
    secrets.remember(PLANTED)
    for text in (
        r"pl4nted \"s3cret\"/ü",
        r"pl4nted \"s3cret\"/\u00fc",
        "pl4nted%20%22s3cret%22%2F%C3%BC",
        "pl4nted+%22s3cret%22%2F%C3%BC",
    ):
        assert secrets.hide(f"a {text} b") == "a [secret] b"
