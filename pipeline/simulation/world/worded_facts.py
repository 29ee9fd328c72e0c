"""What buyers and the seller of a simulated store write, and where its parcels are scanned: words
for people to read. No draw of the world depends on them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.simulation.world.journey import CUSTOMS, INTERNATIONAL, ORIGIN
from pipeline.simulation.world.scans import SLOTS

ORIGINS = ("Shenzhen, CN", "Yiwu, CN", "Guangzhou, CN")
BUYER = {
    "parcel": (
        "Hello, where is my parcel? The tracking has not changed for days.",
        "Hi, when will my order arrive? I need it soon.",
        "The tracking page shows nothing new. Is it lost?",
        "It should be here by now. Please check with the carrier.",
        "Good day! Can you tell me when the package comes?",
    ),
    "product": (
        "The item does not look like the picture.",
        "Hello, the size is wrong. What can we do?",
        "It arrived damaged, see my photos.",
        "The product does not work as described.",
        "One piece is missing in the package.",
    ),
}
SELLER = {
    "parcel": ("Hello, we have asked the carrier and will write as soon as we know more.",),
    "product": ("Hello, we are sorry. Please send us a photo so that we can help.",),
}


def message_text(
    texts: dict[str, tuple[str, ...]], topic: pl.Series, number: np.ndarray
) -> pl.Series:
    """One text per message, by its topic; `number` (one per message) chooses among the texts."""
    count = len(texts["parcel"])
    choice = pl.Series(number % count)
    frame = pl.DataFrame({"topic": topic, "choice": choice})
    by_topic = [
        pl.when(pl.col("topic") == name).then(pl.col("choice").replace_strict(range(count), lines))
        for name, lines in texts.items()
    ]
    return frame.select(text=pl.coalesce(by_topic))["text"]


def scan_location(slot: np.ndarray, country: pl.Series, number: np.ndarray) -> pl.Series:
    """Where each scan was made: a town of the seller's country, or the buyer's country. `slot` and
    `country`, the buyer's, have one value per scan; `number` chooses the town."""
    legs = np.array([leg for _, _, leg in SLOTS])[slot]
    town = pl.Series(ORIGINS).gather(number % len(ORIGINS))
    is_origin = pl.Series(np.isin(legs, [ORIGIN, INTERNATIONAL]))
    is_customs = pl.Series(legs == CUSTOMS)
    frame = pl.DataFrame({"town": town, "country": country, "o": is_origin, "c": is_customs})
    abroad = pl.when("c").then(pl.format("Customs, {}", "country")).otherwise("country")
    return frame.select(location=pl.when("o").then("town").otherwise(abroad))["location"]
