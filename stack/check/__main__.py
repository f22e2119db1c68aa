"""One line for each configured service; exit code 0 if all work, 2 otherwise.

Each is asked as the pipeline asks it, with its own client's settings; what could be written is written and deleted
again. Nothing secret is printed: addresses lose user and password, and texts of libraries, which repeat addresses, are
read but not redact_url.
"""

import os
import sys

from dotenv import load_dotenv

from stack.check import dvc, mlflow, postgres, prefect
from stack.check.report import check_all


def main() -> None:
    """Print the lines."""
    load_dotenv(".env")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    services = {"DVC remote": dvc, "MLflow": mlflow, "Prefect": prefect, "PostgreSQL": postgres}
    lines = check_all({what: service.check for what, service in services.items()})
    print("\n".join(map(str, lines)), flush=True)
    sys.exit(0 if all(line.works for line in lines) else 2)


if __name__ == "__main__":
    main()
