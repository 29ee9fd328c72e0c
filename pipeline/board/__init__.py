"""The board: a small web app that shows a workspace's nights, orders and products, and on which
several agents share the work on the list.

Other folders may import `board_app` and `requests_allowed`. This folder may import, of `pipeline`,
`api`, `desk`, `load`, `output`, `pages`, `settings` and `workspace`.
"""
