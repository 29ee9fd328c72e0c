"""Which action each open order gets tonight: the actions as data, what each is worth, and the best
choice within the limits. Modules here may import from `models/effects` and `features` only.
"""
