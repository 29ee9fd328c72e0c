"""SOURCE=aliexpress: dumps of the Open Platform's answers, and order sheets.

`dumps` reads a folder into rows of text (`answer_*`, `order_rows`, `record_tables`, `order_sheet`),
`seen_rows` keeps them from one night to the next, `record_checks` parses them, and
`order_records`, `order_timeline` and `dispute_records` turn them into canonical tables. Other
folders may import `aliexpress_source`, `dumps` and `answer_fields`. Modules here may import
`features.tables`, `pipeline.settings`, `pipeline.workspace`, the modules of `pipeline.sources` and
of `pipeline.sources.conversation`, and `pipeline.sources.mapped.column_profile`.
"""
