"""Steps that measure: backtest, comparisons, impact, replay, and checks against a simulated truth.

`pipeline.cli`, the notebooks and the benchmarks import the steps; no other folder imports from
here, so that nothing here changes what a night does. This folder may import `features`, `models`,
and from `pipeline`: `engines`, `history`, `indicators`, `night`, `output`, `pages`,
`product_review`, `registry`, `settings`, `simulation`, `training` and `workspace`. Only `evaluate`,
`product_review_check` and the folder `actions` read the truth of a simulated store.
"""
