"""The page that compares a simulated store with published and assumed ranges.

`pipeline.cli` imports `realism_page`. This folder may import `pipeline.simulation`, its `world`,
`pipeline.settings` and `pipeline.workspace`.
"""
