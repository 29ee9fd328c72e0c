"""Metrics, comparisons of scorers with intervals, and the promotion gate. `pipeline` may import all
of them. Modules here may import from `features`, `models.learner` and `models.contact`.
"""
