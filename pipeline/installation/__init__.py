"""The program as a product that is installed: its version, its name on the command line, how it
names its steps, and what it needs.

Other folders ask `extras` for the optional packages that they need. This folder imports
`pipeline.settings`, and `install_locked` and `audit_report` nothing of ours, since make runs them
by their path.
"""
