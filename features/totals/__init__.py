"""Countable facts about orders and their entities, and their trailing totals.

`features.build` and `features.families` import from here; the engines of `pipeline` may import
`order_facts` and `entity_totals`. This folder may import `features` only.
"""
