"""Sources: read a store's files into the canonical tables of `features.tables`.

One module or subfolder per source, each with a function that takes a `SourceContext` and returns
`StoreData`. `pipeline.load` chooses the source. Other folders may import `source_context`,
`store_data`, `enforce_contract`, `corrections` and the readers `csv_text`, `checked_file`,
`sheets` and `workbook`; the subfolders also use `contract`, `instants`, `json_text` and `phrases`.
Modules here may import `features`, `pipeline.settings` and `pipeline.output.safe_text`.
"""
