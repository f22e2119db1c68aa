"""The DVC graph as Prefect flows. Wiring only.

Importing this package first settles what Prefect reads from the environment while it is imported. ``.env`` may say
where servers are.
"""

import os

from dotenv import load_dotenv

from ftn_core.utils.garbage_collection import collect_rarely

load_dotenv(".env")
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "true",
    # without PREFECT_API_URL Prefect starts a server of its own: slow on two busy cores, and it creates its
    # database the first time
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    # seconds, the least that Prefect allows: a team's server takes a run for dead that is silent three times as long
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}.items():
    os.environ.setdefault(_name, _value)

collect_rarely()
