"""The shell: the only package that touches disk, clock, environment, MLflow and the command
line."""

import os

# LightGBM's threads otherwise spin while they wait, which costs a shared machine several times the
# work itself
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# polars keeps the memory it has freed for a minute: to get new pages from the system costs a sixth
# of a large night
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:60000,muzzy_decay_ms:60000")
