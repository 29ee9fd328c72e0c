"""All features in one table: in memory, in parts, or from the facts of some keys at a time.

`models` and `pipeline` may import `registry`; the engines also import `distributed` and
`out_of_core`. This folder may import `features`, `features.families` and `features.totals`.
"""
