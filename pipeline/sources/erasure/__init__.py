"""Buyers who were forgotten: how their ids are recognised, and what stays of their rows.

`pipeline.forget` erases a buyer from what is stored. The loaders use the same functions, so that a
forgotten buyer does not come back with the same files. Modules here may import `features.tables`,
`pipeline.settings` and `pipeline.workspace`, and the modules of `pipeline.sources`.
"""
