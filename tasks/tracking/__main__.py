"""Command ``python -m tasks.tracking``: upload what stages could not send to MLflow."""

import argparse
import sys
from collections import Counter

from ftn_core.utils.errors import UserError
from registry import server
from registry.server import tracking_uri, without_credentials
from tasks.tracking.spool import SPOOLS, spools
from tasks.tracking.uploader import Upload, for_this_store


def upload_all(*, redirect: bool) -> None:
    """Upload every spool that a stage left, the oldest first, and print what was uploaded.

    Args:
        redirect: also upload what was recorded for another address.

    Raises:
        UserError: MLflow does not answer. What it does not have stays.
    """
    elsewhere: Counter[str] = Counter()
    uploaded = 0
    for spool in spools():
        if not spool.abandoned:
            continue  # its stage still runs
        opening = spool.opening
        if opening is None:
            spool.remove()  # its stage died before it recorded anything
        elif not (redirect or for_this_store(opening)):
            elsewhere[opening["address"]] += 1
        elif upload := Upload.begin(spool, redirect=redirect):
            with server.require_server(), server.short_timeouts():
                while not upload.status:
                    upload.step(abandoned=True)
            uploaded += 1
            for message in upload.refused:
                print(f"{upload.stage}: MLflow does not accept {message}")
            print(f"{upload.stage}: {upload.count} records uploaded, the run ended {upload.status}", flush=True)
    if not uploaded:
        print(f"nothing in {SPOOLS} waits for MLflow at {without_credentials(tracking_uri())}")
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
        upload_all(**vars(parser.parse_args()))
    except UserError as error:
        print(f"upload: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
