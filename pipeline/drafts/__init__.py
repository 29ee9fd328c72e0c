"""Draft messages to buyers, by language, stage and cause, and draft answers to open disputes.

The texts are in `messages/` and `answers/`. `pipeline.night` and `pipeline.indicators` import from
here. This folder may import from `features`, `models.contact`, `pipeline.settings` and
`pipeline.workspace`.
"""
