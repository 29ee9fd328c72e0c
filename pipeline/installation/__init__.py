"""The program as a product that is installed: its version, its name on the command line, how it
names its steps, and what it needs.

Other folders ask `extras` for the optional packages that they need. This folder imports
`pipeline.settings`, and `install_locked` nothing of ours, since make runs it before anything is
installed.
"""
