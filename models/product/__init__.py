"""Dispute rates of products, suppliers and candidates, and what to do about them. `pipeline` may
import from here. Modules here may import from `features` and `features.indicators` only.
"""
