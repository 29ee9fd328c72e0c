"""The list of forgotten ids, `erased.json` of the workspace: salted digests with replacements.

The list is needed to recognise a buyer who comes back with the next load. It has no id in clear
text. A buyer's pseudonym is random, so nothing leads from it to the buyer. Who has an id and this
file can check whether the id was forgotten; that is what the list is for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import Damaged
from pipeline.workspace.checksums import read_sealed, sealed
from pipeline.workspace.workspace import sync, write_json

FILE = "erased.json"
# every replacement of an id starts like this
PREFIX = "erased-"
BUYER, NUMBER = "buyer", "number"
# the entry of the list in the hashes of what tables were made from
INPUT = "erased buyers"
REMEDY = (
    "Restore it from a backup. Without it, buyers who were forgotten come back with the next load."
)
# texts and numbers inside a record, as JSON writes them
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([\w.@+-]+)')


@dataclass(frozen=True)
class ErasedIds:
    """The forgotten ids. `replacements`: what replaces an id, by its digest; `erasures`: the random
    id of each erasure, by the digest of the buyer."""

    salt: str = ""
    replacements: Mapping[str, str] = field(default_factory=dict)
    erasures: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.replacements)

    def digest(self, kind: str, text: str) -> str:
        """The salted digest of an id; `kind` is `BUYER` or `NUMBER`."""
        key = f"{kind}\0{text.strip()}".encode(errors="surrogatepass")
        return hmac.new(bytes.fromhex(self.salt), key, hashlib.sha256).hexdigest()

    def replacement(self, kind: str, text: str) -> str | None:
        """What replaces this id; None if it was not forgotten."""
        return self.replacements.get(self.digest(kind, text)) if self else None

    def mapping(self, kind: str, texts: pl.Series) -> dict[str, str]:
        """The replacements of those of the texts that were forgotten."""
        if not self:
            return {}
        pairs = ((text, self.replacement(kind, text)) for text in texts.drop_nulls().unique())
        return {text: other for text, other in pairs if other is not None}

    def mentions(self, text: str | None, orders: Collection[str] = ()) -> bool:
        """Whether a text contains a forgotten id, or one of these orders, as a JSON text or a
        word."""
        if not self or not text:
            return False
        words = {quoted or word for quoted, word in _TOKEN.findall(text)}
        # JSON inside a text of JSON
        words |= {word.strip('\\"') for word in words}
        return any(
            word in orders or self.replacement(BUYER, word) or self.replacement(NUMBER, word)
            for word in words
        )

    def sha256(self) -> dict[str, str]:
        """The entry of the list for the hashes of inputs; empty without forgotten buyers."""
        text = "\n".join([self.salt, *sorted(self.replacements)])
        return {INPUT: hashlib.sha256(text.encode()).hexdigest()} if self else {}

    def with_buyer(self, buyer_id: str) -> ErasedIds:
        """The list with this buyer, under a new random pseudonym unless they are in it already."""
        salted = self if self.salt else replace(self, salt=secrets.token_hex(32))
        digest = salted.digest(BUYER, buyer_id)
        if digest in salted.replacements:
            return salted
        return replace(
            salted,
            replacements={**salted.replacements, digest: PREFIX + secrets.token_hex(8)},
            erasures={**salted.erasures, digest: secrets.token_hex(8)},
        )

    def with_numbers(self, numbers: Iterable[tuple[str, str]]) -> ErasedIds:
        """The list with the tracking numbers of `(number, order_id)`, also in upper case, as
        tracking services write them."""
        added = {
            self.digest(NUMBER, form): f"{PREFIX}{order_id}"
            for number, order_id in numbers
            for form in (number, number.upper())
        }
        return replace(self, replacements={**added, **self.replacements})

    def with_parcels(self, parcels: Iterable[tuple[str, str]]) -> ErasedIds:
        """The list with the parcels `(number, order_id)`; those of one order get different
        replacements. A number that is in the list, or is a replacement, stays as it is."""
        known, taken, new = self, dict[str, set[str]](), list[tuple[str, str]]()
        for number, order_id in sorted(set(parcels)):
            is_erased = number.startswith(PREFIX)
            other = number if is_erased else self.replacement(NUMBER, number)
            if other:
                taken.setdefault(order_id, set()).add(other)
            else:
                new.append((number, order_id))
        for number, order_id in new:
            if not known.replacement(NUMBER, number):
                other = parcel_id(order_id, taken.setdefault(order_id, set()))
                known = known.with_numbers([(number, other.removeprefix(PREFIX))])
        return known


NO_ERASED_IDS = ErasedIds()


def parcel_id(order_id: str, taken: set[str]) -> str:
    """The first replacement for a parcel of an order that is not taken; it is then."""
    nth = 1
    while (new := f"{PREFIX}{order_id}" + (f"-{nth}" if nth > 1 else "")) in taken:
        nth += 1
    taken.add(new)
    return new


def read_erased(workspace: Path) -> ErasedIds:
    """The forgotten ids of a workspace. Raises `Damaged` if the list is not as it was written."""
    path = workspace / FILE
    if not path.exists():
        return NO_ERASED_IDS
    content: dict[str, Any] = read_sealed(path, REMEDY)
    try:
        return ErasedIds(content["salt"], content["replacements"], content["erasures"])
    except KeyError as error:
        raise Damaged(f"{path}: is damaged ({error} is missing). {REMEDY}") from None


def write_erased(workspace: Path, erased: ErasedIds) -> None:
    """Replace the list."""
    content = {
        "salt": erased.salt,
        "replacements": dict(erased.replacements),
        "erasures": dict(erased.erasures),
    }
    write_json(workspace / FILE, sealed(content))
    (workspace / FILE).chmod(0o600)
    sync(workspace)
