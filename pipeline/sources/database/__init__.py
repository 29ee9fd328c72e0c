"""SOURCE=database: what a shop's own database answers to queries, pulled night after night
(docs/database.md)."""
