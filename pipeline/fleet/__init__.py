"""The nights of many stores in one go: each in a process of its own, which starts with everything
imported. A failure of one store never stops another.

`fleet_stores` lists the stores, `store_night` is what a process does, `run_fleet` starts them
within a budget of time and tries failed ones again, `fleet_summary` says what came of each, as a
table and a page. `pipeline.cli` imports from here.
"""
