"""The shell around `features` and `models`: steps, files, settings, clock, MLflow, command line.

Only this package touches the disk, the clock, the environment, MLflow and the command line. Its
folders are described in their own `__init__.py`; it may import from `models` and `features`.
"""

import os

# While they wait, LightGBM's threads spin by default, which costs a shared machine several times
# the work itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# polars keeps freed memory for a minute: getting new pages from the system takes a sixth of a large
# night.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:60000,muzzy_decay_ms:60000")
