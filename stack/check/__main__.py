"""Prints one line for each configured service; exit code 0 if all work, 2 otherwise.

Each service is asked as the pipeline asks it, with its own client's settings. What the check writes, it deletes again.
No secret is printed: addresses lose user and password. Texts of libraries repeat addresses, so they are interpreted but
not printed.
"""

import os
import sys

from dotenv import load_dotenv

from stack.check import dvc, mlflow, postgres, prefect
from stack.check.report import check_all


def main() -> None:
    """Print the results."""
    load_dotenv(".env")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    services = {"DVC remote": dvc, "MLflow": mlflow, "Prefect": prefect, "PostgreSQL": postgres}
    results = check_all({name: service.check for name, service in services.items()})
    print("\n".join(map(str, results)), flush=True)
    sys.exit(0 if all(result.works for result in results) else 2)


if __name__ == "__main__":
    main()
