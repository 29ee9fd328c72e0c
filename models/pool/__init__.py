"""One model for several stores: their stacked rows with weights, and the store's own level.

`models.learner` and `pipeline` may import from here; this folder imports `features` only.
"""
