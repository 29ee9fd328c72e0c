"""The step `send`: messages that a person released go to the shop's own channel, once per buyer.

What was sent comes back as a contact, as with `make contacts`. Only `pipeline.cli` imports from
here. This folder may import `features`, `models.actions`, and of `pipeline` `deliver`, `history`,
`load`, `settings` and `workspace`.
"""
