"""The model registry: the only folder that imports MLflow.

Other folders may import `model_registry` (find, load, register and log models), `model_aliases`
(promote and roll back), `registered_model` (what a registered model is) and `reload_check`. MLflow
itself runs `pyfunc_model`. This folder may import `features`, `models`, `pipeline.settings` and
`pipeline.workspace`.
"""
