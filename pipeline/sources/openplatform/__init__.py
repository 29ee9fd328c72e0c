"""The AliExpress Open Platform: fetch a store's answers every night and keep them as dumps, which
`pipeline.sources.aliexpress` reads.

`gateway` makes one signed call with its tries (`signatures`, `platform_faults`, `access_tokens`),
`pull_queue` remembers what is left to fetch, `pull_jobs` lists the work of a night,
`order_searches`, `order_details` and the other modules do one kind of it each. Other folders may
import `pull_store`, and `check_connection` to test credentials. Modules here may import
`pipeline.settings`, `pipeline.connections`, `pipeline.output`, `pipeline.workspace` and
`answer_fields` of `pipeline.sources.aliexpress`.
"""
