"""The platform's policies as data, dispute deadlines, indicator rates and the orders of products.

`models` and `pipeline` may import from here. This folder may import `features` only.
"""
