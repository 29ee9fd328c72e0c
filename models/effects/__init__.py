"""What each action prevents, learned from counts of expected and observed disputes, and what
another policy would have saved. `models.contact` and `pipeline` may import from here. Modules here
may import from `features` and `features.totals`.
"""
