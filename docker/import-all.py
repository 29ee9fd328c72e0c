"""Import every module of the program, and every library of the connections: all load that the image
needs."""

from __future__ import annotations

import importlib
import pkgutil
import sys

PACKAGES = ("features", "models", "pipeline")
# drivers and clients that a step loads only when a setting asks for them
CONNECTIONS = ("psycopg", "pymysql", "boto3", "paramiko")
# extras that the image does not have
NOT_IN_IMAGE = {"pyspark", "py4j", "mlflow.server"}


def names() -> list[str]:
    """The names of all modules, and of the connections."""
    modules = []
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        modules += [each.name for each in pkgutil.walk_packages(folder, f"{package}.")]
    return [name for name in modules if not name.endswith("__main__")] + list(CONNECTIONS)


def main() -> int:
    """Print the modules that do not load; 1 if there are any, else 0."""
    failed = 0
    for name in names():
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in NOT_IN_IMAGE:
                failed = 1
                sys.stderr.write(f"{name}: {error}\n")
    if not failed:
        # the description of the service is read from a file
        session = importlib.import_module("boto3.session").Session(region_name="eu-central-1")
        session.client("s3", aws_access_key_id="none", aws_secret_access_key="none")
    return failed


if __name__ == "__main__":
    sys.exit(main())
