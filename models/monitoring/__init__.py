"""Checks of a night's inputs and of the model's health. `pipeline` may import the checks, their
`Reading` and `Finding` records and the threshold constants; `models.learner` may import the feature
moments of `input_checks`. Modules here may import from `features` only.
"""
