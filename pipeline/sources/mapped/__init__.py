"""SOURCE=mapped: the files of any shop, read by a mapping file that says what they contain
(docs/reference/mapping.md). `pipeline.load` and the other folders of `pipeline.sources` may import
from here. This folder imports `features`, `pipeline.settings` and `pipeline.sources`.
"""
