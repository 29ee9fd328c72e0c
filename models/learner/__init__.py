"""Training, calibration and storage of the dispute model, and the learners it is compared with.
`pipeline`, `models.comparison`, `models.contact` and `models.reasons` may import from here. Modules
here may import from `features`, `features.build` (the feature names) and `models.monitoring` (the
feature moments).
"""
