"""Dispute rates of products, suppliers and candidates, and what to do about them. `pipeline` may
import from here. Modules here may import from `features`, `features.indicators` and
`models.monitoring` only.
"""
