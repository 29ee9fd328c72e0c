"""Training: sample order-nights, fit, tune and register models, promote them, and prove no leaks.

Other folders may import `fitting` (the sampled dataset, `learn`, `register`), `walk_forward` (past
nights, each scored by its own model) and the steps `train` and `promote`. This folder may import
`features`, `models`, and from `pipeline`: `engines`, `history`, `registry`, `settings` and
`workspace`.
"""
