"""What `make pull` and `make receive` keep of forgotten buyers: the answers of shops, payment
providers and tracking services are written anew with the fields that make the same tables.

`shop_orders` finds the orders of forgotten buyers in the answers, `shop_records`,
`payment_records` and `parcel_records` erase one record each, `erased_lines` writes the files anew,
and `erase_answers` does it for a workspace. Other folders may import `erase_answers`. Modules here
may import `pipeline.settings`, `pipeline.connections`, the modules of `pipeline.sources`,
`pipeline.sources.shops`, `pipeline.sources.tracking`, `pipeline.sources.aliexpress`
(`answer_fields`) and `pipeline.sources.mapped` (`mapped_tables`).
"""
