"""The step `pull`: fetch what is new from a database or from the platforms of `[pull]` (`pull`),
compact old answers (`compact_dumps`), and say what a pull left (`pull_lines`). `load`, `connect`,
`forget` and `cli` import from here. Modules here may import `pipeline.connections`, the folders of
`pipeline.sources`, `pipeline.settings`, `pipeline.output` and `pipeline.workspace`.
"""
