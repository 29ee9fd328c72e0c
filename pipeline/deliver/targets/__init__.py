"""The step `deliver`, and one module per kind of target that a night is sent to.

A module turns a night into what is to be sent, each with a key; `pipeline.deliver.sending` sends it
once. Only `pipeline.cli` imports from here. This folder may import `pipeline.deliver`,
`pipeline.output`, `pipeline.settings` and `pipeline.workspace`.
"""
