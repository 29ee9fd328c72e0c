"""A small made-up store, as canonical tables: for tests, demos and a first run without any data of one's own."""

from __future__ import annotations

from pipeline.sources.simulator.world import simulate_store

__all__ = ["simulate_store"]
