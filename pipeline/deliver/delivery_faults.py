"""How a delivery can fail. The messages name a receiver and what it did; they never hold a secret,
an address with a token in it, or what the receiver wrote."""

from __future__ import annotations


class Undeliverable(Exception):
    """The receiver refused for good, or a setting is wrong: trying again changes nothing."""


class TryAgain(Exception):
    """The receiver may take it later, or it is not known whether it took it.

    `wait_seconds`: how long the receiver asked to wait.
    """

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds
