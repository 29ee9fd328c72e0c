"""`make pull` from shop systems and payment providers: Shopify, WooCommerce, Stripe, PayPal.

Answers are kept as they came (`service_run`). From them, tables are written as the systems export
them (`export_tables`, `*_tables`), with what was known since when (`first_known`), and a mapping
(`shop_mapping`), so that `SOURCE=mapped` reads them like exports that a person saved.

Imports `pipeline.connections`, `pipeline.settings`, `pipeline.workspace`, `pipeline.output`, and of
the other sources `openplatform` (the queue of requests), `proposing` and `mapped`. `pipeline.load`
imports from here.
"""
