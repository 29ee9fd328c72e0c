"""What delivering and bulk sending share: the night to send, its summary, the record of what was
sent, tries with growing waits and signed requests.

`pipeline.deliver.targets` sends a night to its targets, `pipeline.deliver.bulk` sends released
messages to buyers; both import from here, and no other folder does. This folder may import
`features`, `pipeline.connections`, `pipeline.output`, `pipeline.settings` and `pipeline.workspace`.
"""
