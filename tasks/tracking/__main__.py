"""Command ``python -m tasks.tracking``: what stages could not deliver to MLflow."""

import argparse
import sys
from collections import Counter

from ftn_core.utils.errors import UserError


def deliver_all(*, redirect: bool) -> None:
    """Deliver every spool that a stage left, the oldest first, and say what was delivered.

    Raises:
        UserError: MLflow does not answer; what it has not got stays.
    """
    from registry import server
    from registry.address import redact_url, tracking_uri
    from tasks.tracking.spool import FOLDER, spools
    from tasks.tracking.upload import addressed_here, deliver, take

    elsewhere: Counter[str] = Counter()
    delivered = 0
    for spool in spools():
        if not spool.abandoned:
            continue  # its own uploader is at it
        opening = spool.opening
        if opening is None:
            spool.remove()  # its stage died before there was anything to record
        elif not (redirect or addressed_here(opening)):
            elsewhere[opening["address"]] += 1
        elif delivery := take(spool, here=redirect):
            with server.require_server(), server.short_timeouts():
                deliver(delivery)
            delivered += 1
            for message in delivery.refused:
                print(f"{delivery.stage}: MLflow does not take {message}")
            print(f"{delivery.stage}: {delivery.count} records delivered, the run ended {delivery.status}", flush=True)
    if not delivered:
        print(f"nothing in {FOLDER} waits for MLflow at {redact_url(tracking_uri())}")
    for address, count in elsewhere.items():
        print(f"{count} more are for MLflow at {address}: set MLFLOW_TRACKING_URI, or deliver them here by --redirect")


def main() -> None:
    """Exit code 2: MLflow does not answer (one line on stderr)."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.tracking", description="Deliver to MLflow what stages recorded while it did not answer."
    )
    parser.add_argument("--redirect", action="store_true", help="also what was meant for another address")
    try:
        deliver_all(**vars(parser.parse_args()))
    except UserError as error:
        print(f"deliver: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
