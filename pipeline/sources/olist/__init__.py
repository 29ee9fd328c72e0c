"""SOURCE=olist: the public orders of a Brazilian marketplace. `olist_source` makes the tables,
`olist_files` reads the files. `pipeline.load` imports the source. Modules here may import
`features`, `pipeline.sources` and its folder `reading`, and `pipeline.settings`.
"""
