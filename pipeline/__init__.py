"""The shell: the only package that touches disk, clock, environment, MLflow and the command line."""

import os

# LightGBM's threads otherwise spin while they wait, which costs a shared machine several times the work itself
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
