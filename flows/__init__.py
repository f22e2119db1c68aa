"""The DVC graph as Prefect flows. Wiring only.

Importing this package first settles what Prefect reads from the environment while it is imported.
"""

import gc
import os

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "true",
    # without PREFECT_API_URL Prefect starts a server of its own: slow on two busy cores, and it creates its
    # database the first time
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}.items():
    os.environ.setdefault(_name, _value)

# Importing Prefect and DVC allocates half a million objects that all stay: collecting at the usual pace costs
# half a second of every run, for nothing
gc.set_threshold(50_000, 20, 50)
