"""The DVC graph as Prefect flows: wiring only.

Prefect reads its environment while it is imported. Importing this package first sets that environment, and reads
``.env``, which may hold the servers' addresses.
"""

import os

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.garbage_collection import collect_rarely

load_environment()
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "true",
    # Without PREFECT_API_URL Prefect starts a server of its own. Its first start creates a database, and two busy cores
    # make that slow.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    # Seconds, the least that Prefect allows. A team's server counts a run as dead after three missed heartbeats.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}.items():
    os.environ.setdefault(_name, _value)

collect_rarely()
