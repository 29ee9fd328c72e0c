"""The simulated world: orders, journeys, scans, messages, disputes and the canonical tables made
from them, in memory and without any file.

Other folders import `simulated_store` (the tables of a store), `simulated_orders` (a world and its
orders), `truth` and `draws`. Evaluation and the rest of `pipeline.simulation` may read the latent
traits; nothing that scores, trains or decides may. This folder imports only `features` and
`pipeline.simulation.words`.
"""
