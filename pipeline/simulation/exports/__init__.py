"""A simulated store in formats that sellers get: answers of the Open Platform, the order sheet and
tracking answers.

`pipeline.simulation.simulate` imports `write_dumps` and `write_exports`. The exports read only the
raw files of the store, so they cannot reveal its truth. This folder imports no other folder.
"""
