"""The API of the board, `/api/v1`: lists, orders, dispute clock, indicators, products and health as
JSON, for the shop's own tools, and the OpenAPI document that describes it.

Other folders may import `api_routes` and `api_reader`. This folder may import, of `pipeline`,
`desk`, `output`, `pages` and `settings`.
"""
