"""receive: a small web server that keeps what 17TRACK and AfterShip push.

`push_accounts` checks signatures, `push_store` writes many pushes with one sync, `push_app` answers
requests, and `receive` runs the server. Other folders may import `receive`. Modules here may
import, of `pipeline`, `connections`, `settings`, `sources.tracking` and `workspace`.
"""
