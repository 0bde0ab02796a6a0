"""MLflow's server for a team: PostgreSQL, an S3-compatible store, users and roles. `make services` starts them.

    postgresql     runs and the registry, and MLflow's users
    object_store   the files of runs (SeaweedFS, which speaks S3)
    mlflow_server  what everybody talks to; it alone knows the two others
    roles          who may write runs, who may move an alias, who may look

`together` starts and stops the three; `state` is the folder that keeps their data, ports and passwords.
Tests start the same servers from here (tests/contracts/conftest.py).
"""
