"""Generates the reference pages of `docs/` from the program itself, and the committed pictures and
notebook outputs from the demo.

Only the command line imports it. It may import `evaluation`, `night`, `settings` and `workspace`.
"""
