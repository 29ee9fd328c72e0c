"""From raw files to tables, and back again: ingest, the doctor, the quarantine, proposed mappings,
pulls, and the contacts that agents report. `cli`, `night` and `board` may import
from here. This folder imports `features`, `pipeline.settings`, `pipeline.output`,
`pipeline.workspace`, and `pipeline.sources` with the folders of each source.
"""
