"""The shell: the only package that touches disk, clock, environment, MLflow and the command line."""
