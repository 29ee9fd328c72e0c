"""A made-up marketplace store with known truth: for tests, demos and a first run without any data of one's own."""

from __future__ import annotations

from pipeline.sources.simulator.store import simulate_store

__all__ = ["simulate_store"]
