"""The feature families, one per file: descriptions (`FEATURES`) and a function `build`.

`build` returns one row per spine row. Only `features.build.registry` imports the families. They may
import `features` and `features.totals`. `parcel_progress` has the calculations of `logistics`.
"""
