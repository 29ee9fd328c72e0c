"""The page that compares a simulated store with published and assumed ranges.

`pipeline.cli` imports `realism_page`. `pipeline.evaluation` imports `vega_charts`, the colours,
style and library of charts on HTML pages. This folder may import `pipeline.simulation`, its
`world`, `pipeline.settings` and `pipeline.workspace`.
"""
