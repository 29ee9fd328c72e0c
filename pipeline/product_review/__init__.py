"""Product selection reviews: the steps `products`, `candidate` and `compare-products`.

`pipeline.cli`, `pipeline.evaluation` and the notebooks import from here. This folder may import
from `features`, `models.product`, `pipeline.output`, `pipeline.pages`, `pipeline.settings`,
`pipeline.sources` and `pipeline.workspace`.
"""
