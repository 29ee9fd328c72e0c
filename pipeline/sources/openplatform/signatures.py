"""Signatures of requests to the Open Platform.

The newer gateway: HMAC-SHA256 over all parameters, sorted by name and joined as name and value; a
system method has its path in front. The older router: MD5 with the secret before and after the same
text, or HMAC. Both are written as hexadecimal digits in upper case. Sources: the platform's pages
on signatures, and public SDKs (docs/reference/aliexpress-fields.md).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

SIGN = "sign"
SHA256, MD5, HMAC_MD5, HMAC_SHA256 = "sha256", "md5", "hmac", "hmac-sha256"


def signature(secret: str, parameters: Mapping[str, str], sign_method: str, path: str = "") -> str:
    """The value of the parameter `sign`.

    `path`: of a system method, such as /auth/token/create; empty for all others. `sign` itself is
    left out. Raises `ValueError` for an unknown `sign_method`.
    """
    names = sorted(name for name in parameters if name != SIGN)
    text = path + "".join(f"{name}{parameters[name]}" for name in names)
    key, message = secret.encode(), text.encode()
    if sign_method == MD5:
        digest = hashlib.md5(key + message + key, usedforsecurity=False).digest()
    elif sign_method == HMAC_MD5:
        digest = hmac.digest(key, message, "md5")
    elif sign_method in (SHA256, HMAC_SHA256):
        digest = hmac.digest(key, message, "sha256")
    else:
        raise ValueError(f"sign_method {sign_method!r} is unknown")
    return digest.hex().upper()
