"""Reasons for a listed order, and scores from fixed rules. `pipeline` may import from here. Modules
here may import from `features` and `models.learner`.
"""
