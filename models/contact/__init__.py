"""Who to contact, what to offer, what a contact prevents, and who waits for what. `pipeline`, and
the promotion gate of `models.comparison`, may import from here. Modules here may import from
`features` and `models.effects`.
"""
