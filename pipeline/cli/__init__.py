"""The command line: the options and help of every step, without any logic of its own.

`python -m pipeline` calls `app`. This folder may import from every folder of `pipeline`; the steps
are imported inside their commands, so that `--help` is fast. No other folder imports from here.
"""
