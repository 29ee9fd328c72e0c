"""Simulated stores: made-up stores whose true risks are known, for evaluation and tests.

`simulate` writes a store and its truth. `true_risk`, `true_product_rates` and `action_outcomes`
read the truth; only `pipeline.evaluation` may import them. `attainable_risk` and `knowable_risk`
compute the best chances that any model can reach. The subfolders: `world` makes the store,
`exports` writes it in the formats of other tools, `realism` compares it with published ranges. This
folder may import its subfolders, `features`, `pipeline.settings` and `pipeline.workspace`.
"""
