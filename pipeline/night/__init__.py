"""One night: the contact list, the checks before it is published, and the health of the model.

The steps are `nightly`, `score` and `monitor`; the other modules are their parts. Only
`pipeline.cli` and `pipeline.documentation` import from here. This folder may import from
`features`, `models` and the folders of `pipeline` that load data, train models and write files.
"""
