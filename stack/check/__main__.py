"""Prints one line for each service; exit code 0 if all work, 2 otherwise.

Each service is asked as the pipeline asks it, through its own client and settings. What the check writes, it deletes.
No secret is printed: addresses lose user and password. Texts of libraries repeat addresses, so they are interpreted but
not printed.
"""

import os
import sys

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.errors import UserError
from stack import supervisor
from stack.check import mlflow, postgres, prefect, remote
from stack.settings import ENVIRONMENT_FILE

SERVICES = {"DVC remote": remote.check, "MLflow": mlflow.check, "Prefect": prefect.check, "PostgreSQL": postgres.check}
NO_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "PREFECT_CLIENT_MAX_RETRIES": "0"}


def check_service(service: str) -> bool:
    """Print the service's line; returns whether it works."""
    try:
        works, text = True, SERVICES[service]()
    except UserError as error:
        works, text = False, str(error)
    except Exception as error:  # the text of an unexpected error may hold a secret
        works, text = False, f"the check itself failed: {type(error).__name__}"
    print(f"{'ok    ' if works else 'FAILED'} {service}: {text}", flush=True)
    return works


def main() -> None:
    """Check all services."""
    load_environment()
    if supervisor.running():  # the servers that `make up` has started here
        load_environment(ENVIRONMENT_FILE)
    os.environ.update(NO_RETRIES | {"MLFLOW_DISABLE_TELEMETRY": "true"})
    works = [check_service(service) for service in SERVICES]
    sys.exit(0 if all(works) else 2)


if __name__ == "__main__":
    main()
