"""Who to contact, what to offer, and what a contact prevents. `pipeline`, and the promotion gate of
`models.comparison`, may import from here. Modules here may import from `features` and
`models.effects`.
"""
