"""``python -m registry.ui`` serves MLflow's pages of the project's own store on loopback."""

import os
import sys
from typing import Never

from ftn_core.utils.errors import UserError
from registry.server import existing_store, experiment_page, tracking_uri

PORT = 5000
MLFLOW_PAGE = f"http://127.0.0.1:{PORT}"
"""Address at which ``make mlflow`` shows a store that is a file."""


def main() -> Never:
    """Print where the trainings are, then become MLflow's server."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        with existing_store() as client:
            print(f"the trainings: {experiment_page(client, MLFLOW_PAGE)}", flush=True)
    except UserError as error:
        print(f"mlflow: {error}", file=sys.stderr)
        sys.exit(2)
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    # one process answers as many requests as four here, and starts in half the time
    options = ["--host", "127.0.0.1", "--port", str(PORT), "--workers", "1"]
    os.execvp("mlflow", ["mlflow", "server", *options, "--backend-store-uri", tracking_uri()])


if __name__ == "__main__":
    main()
