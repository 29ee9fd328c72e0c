"""One model for several stores: their stacked rows, with weights.

`models.learner` and `pipeline` may import from here; this folder imports `features` only.
"""
