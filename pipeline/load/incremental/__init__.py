"""Loads that repeat nothing: what determines the tables, and whether the last load is still as it
was written. Only `pipeline.load` imports this folder.
"""
