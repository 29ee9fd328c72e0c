"""Messages with buyers, whatever platform they come from: which order a message is about, what it
is about by its words, and what it says: intent, urgency and sentiment.

`pipeline.load` and `pipeline.sources.aliexpress` import from here. Modules here may import
`models.texts`, and `phrases` of `pipeline.sources`.
"""
