"""What each setting means, where its value comes from, whether all settings fit together, and the
`config.toml` of a new workspace.

`pipeline.cli` and `pipeline.documentation` import from here. This folder reads the settings with
`pipeline.settings`, and checks them against `pipeline.drafts` and `pipeline.deliver`.
"""
