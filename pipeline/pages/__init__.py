"""The pages that people read: the morning's report, the product review and the model page.

Each page is one HTML file with its style, scripts, charts and data inside. Templates and scripts
are in `templates/`, the words of the pages in `locale/`. Other folders may import `report`,
`product_page`, `indicator_panel`, `source_health`, `time_line`, `charts`, `model_charts`,
`model_tables`, `html` and `page_words`. This folder may import `features`, `models` and, of
`pipeline`, `history`, `indicators`, `output`, `settings` and `workspace`.
"""
