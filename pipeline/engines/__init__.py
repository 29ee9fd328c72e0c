"""Engines that build features and score nights: Polars in this process, or Spark on a cluster,
with equal results.

Other folders may import `engine`, which chooses the engine by the config. Spark's workers import
this package from a zip of `features`, `models` and `pipeline`, so `spark_buckets` must import
nothing else. This folder may import `features`, `models.monitoring`, `models.scoring`,
`pipeline.settings` and `pipeline.workspace`.
"""
