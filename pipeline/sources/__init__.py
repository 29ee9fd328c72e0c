"""Where data comes from: one file per origin, all ending in the canonical tables."""
