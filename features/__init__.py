"""What was known, and when: pure functions from canonical tables to features and labels.

This folder has the canonical tables, the clock, the as-of joins, the spine, stages and labels.
`models` and `pipeline` may import from it and from its subfolders. It imports no other folder and
reads no disk, clock or environment. Only `features.clock` compares times.
"""
