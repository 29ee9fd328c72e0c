"""The board: a small web app on this machine that shows a workspace's nights, orders and products
and takes marks of contacted buyers.

Other folders may import `board_app` and `requests_allowed`. This folder may import, of `pipeline`,
`load`, `output`, `pages`, `settings` and `workspace`.
"""
