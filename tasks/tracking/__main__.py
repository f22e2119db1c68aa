"""Command ``python -m tasks.tracking``: upload what stages could not send to MLflow."""

import argparse
import sys
from collections import Counter

from ftn_core.utils.errors import UserError, disk_errors
from registry import server
from registry.server import store_name
from tasks.tracking.journal import JOURNALS, journals, read_opening
from tasks.tracking.publish import publish_left


def upload_all(*, redirect: bool) -> None:
    """Upload every journal that a stage left, the oldest first, and print what was uploaded.

    Args:
        redirect: also upload what was recorded for another address.

    Raises:
        UserError: MLflow does not answer. What it does not have stays.
    """
    here = store_name()
    elsewhere: Counter[str] = Counter()
    uploaded = 0
    for path in journals():
        opening = read_opening(path)
        with server.require_server(), server.short_timeouts():
            publication = publish_left(path, redirect=redirect)
        if publication and opening:
            uploaded += 1
            for name, why in publication.refused.items():
                print(f"{opening['stage']}: MLflow does not accept {name}: {why}")
            print(f"{opening['stage']}: {publication.count} records uploaded, the run ended {publication.status}")
        elif opening and opening["address"] != here:
            elsewhere[opening["address"]] += 1
    if not uploaded:
        print(f"nothing in {JOURNALS} waits for MLflow at {here}")
    for address, count in elsewhere.items():
        print(
            f"{count} more are for MLflow at {address}: set MLFLOW_TRACKING_URI, or upload them here with "
            "`python -m tasks.tracking --redirect`"
        )


def main() -> None:
    """Exit code 2: MLflow does not answer (one line on stderr)."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.tracking", description="Upload what stages recorded while MLflow did not answer."
    )
    parser.add_argument("--redirect", action="store_true", help="also what was recorded for another address")
    try:
        with disk_errors():
            upload_all(**vars(parser.parse_args()))
    except UserError as error:
        print(f"upload: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
