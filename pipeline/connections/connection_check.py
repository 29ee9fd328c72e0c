"""What a check of the credentials of a service says, for `connect` and `doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MethodCheck:
    """One method of a service. `may_call`: whether the account may call it. `detail`: what the
    service said, without a secret. `cost`: what is missing without the method, in a seller's words.
    """

    method: str
    may_call: bool
    detail: str = ""
    cost: str = ""
