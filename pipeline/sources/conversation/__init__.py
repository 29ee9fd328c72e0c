"""Messages with buyers, whatever platform they come from: which order a message is about, and what
it is about by its words.

`pipeline.sources.aliexpress` imports from here. Modules here may import `phrases` of
`pipeline.sources`.
"""
