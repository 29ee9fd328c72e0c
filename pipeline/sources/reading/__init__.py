"""What all readers of input files share: caps on their size (`input_limits`), the row with the
column names (`header_rows`), ids that a spreadsheet has rounded (`rounded_ids`), time zones in the
names of columns (`column_zones`) and the words for kinds of payment (`payment_words`). Modules here
may import `pipeline.settings` only; the readers in `pipeline.sources` and its other folders import
from here.
"""
