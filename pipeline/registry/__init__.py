"""The model registry: the only folder that imports MLflow.

Other folders may import `model_registry` (find, load and register models), `logged_runs`,
`model_aliases` (promote and roll back), `registered_model` (what a registered model is), `tracking`
(where MLflow keeps its records) and `reload_check`. MLflow
itself runs `pyfunc_model`. This folder may import `features`, `models`, `pipeline.settings` and
`pipeline.workspace`.
"""

import os

# MLflow reads these once, when it is imported; a seller's nightly job must not send telemetry,
# print about git, or repeat a request to a server that is switched off for minutes
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
