"""One night: the contact list, the checks before it is published, and the health of the model.

The steps are `nightly`, `score` and `monitor`; the other modules are their parts. Only
`pipeline.cli` imports from here. This folder may import from `features`, `models` and every folder
of `pipeline` except `board`, `cli`, `evaluation`, `product_review` and `simulation`.
"""
