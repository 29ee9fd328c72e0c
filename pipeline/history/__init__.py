"""Past nights: what their lists decided, and how it turned out.

Other folders may import `assignments` (who was listed or held out, and the evidence from it),
`measured_impact` (listed compared with held-out orders) and `past_lists` (the precision of past
lists). This folder may import `features`, `models`, `pipeline.settings` and `pipeline.workspace`.
"""
