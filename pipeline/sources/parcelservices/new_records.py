"""Keep of an answer only the parcels that it shows something new about: a parcel is asked about
every night, and has news on a few."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.sources.parcelservices.parcel_service import number_of
from pipeline.sources.tracking.tracking_bodies import scans_of

# the lists of parcels in an answer of 17TRACK and of AfterShip
LISTS = ("accepted", "trackings")


def only_news(text: str, is_shown: Callable[[str, str], bool]) -> tuple[str | None, dict[str, str]]:
    """The answer without the parcels that `is_shown` (number, digest) says were shown like this
    before, None if there is no other, and the digests of the others by number.

    An answer that is new as a whole stays as it came. `text` is a JSON object.
    """
    content = json.loads(text)
    data = content.get("data")
    news = dict[str, str]()
    if not isinstance(data, dict):
        return text, news
    kept = dict(data)
    for name in LISTS:
        records = data.get(name)
        if isinstance(records, list):
            kept[name] = [each for each in records if _is_new(each, is_shown, news)]
    if all(kept[name] == data[name] for name in LISTS if isinstance(data.get(name), list)):
        return text, news
    if not any(kept.get(name) for name in LISTS):
        return None, news
    return json.dumps({**content, "data": kept}, ensure_ascii=False), news


def _is_new(record: Any, is_shown: Callable[[str, str], bool], news: dict[str, str]) -> bool:
    if not isinstance(record, Mapping):
        return True
    number = number_of(record, "number") or number_of(record, "tracking_number")
    digest = scans_digest(record)
    if number and is_shown(number, digest):
        return False
    news[number] = digest
    return True


def scans_digest(record: Mapping[str, Any]) -> str:
    """A digest of the scans that the loader reads from a record, in any order. What counts the days
    since the last one changes every night, and is not in it."""
    scans = sorted(repr((scan.texts, scan.fault)) for scan in scans_of(record))
    return hashlib.sha256("\n".join(scans).encode()).hexdigest()
