"""SOURCE=database: query the database of a shop, keep the answers as files, and read them by a
mapping (docs/reference/database-toml.md). Only `pipeline.load` imports from here. This folder
imports `pipeline.settings`, `pipeline.output`, `pipeline.workspace`, `pipeline.sources` and
`pipeline.sources.mapped`.
"""
