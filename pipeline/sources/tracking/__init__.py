"""Files of tracking providers, 17TRACK and AfterShip, which add scans to any source.

Other folders may import `tracking_source`. Modules here may import `features.tables`,
`pipeline.settings`, the modules of `pipeline.sources`, `pipeline.sources.aliexpress` (`dumps`,
`answer_fields`) and `pipeline.sources.mapped.column_profile`. See
docs/guide/your-store/tracking.md.
"""
