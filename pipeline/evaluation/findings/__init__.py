"""What the notebooks report: tables about the store, the ranking and the features, the sentences
about them, and their charts.

Only the notebooks import from here. This folder may import `features`, `models`, and from
`pipeline`: `evaluation`, `pages` (colours and words), `settings` and `training`. Nothing here is
measured on fewer disputed orders than `features.labels.LEAST_DISPUTED`.
"""
