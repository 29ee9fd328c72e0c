"""The platform's indicators (step `kpi`) and the open disputes by deadline (step `clock`).

`pipeline.cli`, `pipeline.night`, `pipeline.pages` and `pipeline.evaluation` import from here. This
folder may import from `features`, `models.indicators`, `pipeline.drafts`, `pipeline.output`,
`pipeline.settings` and `pipeline.workspace`.
"""
