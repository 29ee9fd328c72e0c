"""What `make map` proposes: a mapping for a folder of unknown tables, from the presets of known
exports and from the names and values of columns.

`propose` puts the parts together: `main_sheet` chooses the tables of orders and lines,
`order_links` finds how other files name orders, `preset_facts` and the `propose_*` modules give the
facts, and `mapping_text` writes them. `pipeline.load` may import from here. This folder imports
`pipeline.output.safe_text`, `pipeline.sources` and `pipeline.sources.mapped`.
"""
