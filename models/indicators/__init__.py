"""Forecasts for the platform's indicators and for open disputes. `pipeline` may import the
forecasts, their fitted objects and `recent_tables`. Modules here may import from `features` and
`features.indicators` only.
"""
