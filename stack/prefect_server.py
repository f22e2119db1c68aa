"""Prefect's server as ``prefect server start`` runs it, but under its own names only, and for its own pages only."""

import argparse

import uvicorn
from prefect.server.api.server import create_app

from serving.http.own_hosts import OwnHosts
from serving.http.port import listen


def main() -> None:
    """Serve on an address and a port until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m stack.prefect_server", description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("names", nargs="*", help="further names under which it is reached")
    given = parser.parse_args()
    listener = listen(given.host, given.port)
    app = OwnHosts(create_app(final=True), listener, given.names)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
