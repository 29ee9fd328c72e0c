"""How a call of a service can fail, by what helps: wait, renew the token, or ask a person. Messages
never hold a secret."""

from __future__ import annotations


class SecretFault(Exception):
    """A secret that a setting names is missing, empty, or can be read by others. The message names
    the setting."""


class PlatformFault(Exception):
    """A call failed. The message never holds a secret."""


class Unanswered(PlatformFault):
    """No usable answer: the network, an answer that is no JSON, or the platform's own trouble. The
    same call may succeed."""


class Throttled(PlatformFault):
    """Too many calls. `wait_seconds`: how long the platform asks to wait, None if it does not."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class StaleToken(PlatformFault):
    """The access token is no longer valid, or not valid for this store."""


class ClockDiffers(PlatformFault):
    """The platform refused the time of the call."""


class ForbiddenCall(PlatformFault):
    """The app or the account may not call this method."""


class RefusedCall(PlatformFault):
    """The platform refused this call; the same call will not succeed."""


class PullStopped(Exception):
    """This run of the pull cannot go on; the next one continues where it stopped. `is_failure`:
    whether someone must do something."""

    def __init__(self, message: str, *, is_failure: bool = True) -> None:
        super().__init__(message)
        self.is_failure = is_failure
