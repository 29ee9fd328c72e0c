"""The desk: the state of the work on orders that several agents share, who may work on it, and what
is known of one order. The board shows it and the API answers from it.

Other folders may import all of its modules. This folder may import `features`, `models/actions`,
and, of `pipeline`, `drafts`, `history`, `load`, `output`, `pages`, `settings` and `workspace`.
"""
