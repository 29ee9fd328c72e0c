"""What `make map` proposes: a mapping for a folder of unknown tables, from the names and values of
columns. `pipeline.load` may import from here. This folder imports `pipeline.sources` and
`pipeline.sources.mapped`.
"""
