"""The program as a product that is installed: its version, its name on the command line, and how it
names its steps.

`pipeline.cli`, `pipeline.workspace` and `pipeline/__main__.py` import from here. This folder
imports nothing of ours.
"""
