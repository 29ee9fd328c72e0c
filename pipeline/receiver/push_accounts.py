"""The accounts whose pushes are received, each under a path of its own, and their signatures.

17TRACK: the header `sign` is the SHA-256 of the body, a slash and the API key, in hex. AfterShip:
the header `aftership-hmac-sha256` is the HMAC-SHA256 of the body with the webhook secret, in
base64. docs/guide/operator/pull-tracking.md lists the sources.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.delivery.pull_settings import Pull

SEVENTEEN_SIGN, AFTERSHIP_SIGN = "HTTP_SIGN", "HTTP_AFTERSHIP_HMAC_SHA256"


@dataclass(frozen=True)
class PushAccount:
    """`header`: where the signature is, as WSGI names it; `signed`: the right one of a body."""

    name: str
    header: str
    signed: Callable[[bytes], str]

    def is_signed(self, body: bytes, given: str) -> bool:
        """Whether this is the signature of the body."""
        expected = self.signed(body)
        # 17TRACK's samples have small letters; base64 depends on them
        given = given.strip().lower() if self.header == SEVENTEEN_SIGN else given.strip()
        return hmac.compare_digest(expected.encode(), given.encode("utf-8", errors="replace"))


def seventeen_sign(key: str) -> Callable[[bytes], str]:
    """The signature of 17TRACK with this API key."""
    ending = f"/{key}".encode()
    return lambda body: hashlib.sha256(body + ending).hexdigest()


def aftership_sign(secret: str) -> Callable[[bytes], str]:
    """The signature of AfterShip with this webhook secret."""
    key = secret.encode()
    return lambda body: base64.b64encode(hmac.digest(key, body, "sha256")).decode()


def push_accounts(pull: Pull, secrets: SecretValues) -> dict[str, PushAccount]:
    """The accounts of `[pull]` by path, such as /push/seventeentrack/main. An account of AfterShip
    without `webhook_secret` is left out. Raises `SecretFault`."""
    accounts = {}
    for name, seventeen in pull.seventeentrack.items():
        setting = f"seventeentrack.{name}"
        key = secrets.read_line(seventeen.key, f"pull.{setting}.key").strip()
        accounts[f"/push/seventeentrack/{name}"] = PushAccount(
            setting, SEVENTEEN_SIGN, seventeen_sign(key)
        )
    for name, aftership in pull.aftership.items():
        if aftership.webhook_secret is None:
            continue
        setting = f"aftership.{name}"
        secret = secrets.read_line(aftership.webhook_secret, f"pull.{setting}.webhook_secret")
        accounts[f"/push/aftership/{name}"] = PushAccount(
            setting, AFTERSHIP_SIGN, aftership_sign(secret.strip())
        )
    if not accounts:
        raise SecretFault(
            "config.toml has no [pull.seventeentrack.NAME], and no [pull.aftership.NAME] with "
            "webhook_secret: there is nothing to receive"
        )
    return accounts
