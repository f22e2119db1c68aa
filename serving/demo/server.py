"""Serves the page, and ``POST /restore`` beside it, until it is interrupted."""

import logging
import os
import socket
import statistics
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # idle threads of PyTorch must not keep the cores from the server's

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from ftn_core.utils.limits import cores
from serving.demo.api import Api
from serving.demo.pictures import MAX_PIXELS
from serving.http.endpoint import restore_routes
from serving.http.own_hosts import OwnHosts
from serving.http.port import address_of
from serving.http.signals import when_ready
from serving.load import load_denoiser


def serve_page(model: str | None, listener: socket.socket, browser: bool, names: Sequence[str] = ()) -> None:
    """Serve on the socket until interrupted. At the end print the median time of an answer.

    Args:
        names: hosts under which the page is reached, besides the socket's address and localhost.

    Raises:
        UserError: there is no model, or it cannot be loaded.
    """
    torch.set_num_threads(cores())
    with tempfile.TemporaryDirectory(prefix="ftn-", ignore_cleanup_errors=True) as folder:
        api = Api(model, Path(folder))
        if api.models.registry_error:
            print(f"{api.models.registry_error}: only the files are offered", flush=True)
        routes = [*api.routes(), *restore_routes(load_denoiser(api.models.first), MAX_PIXELS)]

        def announce() -> None:
            address = address_of(listener)
            print(f"The page is at {address}; Ctrl-C ends it. Programs send pictures to {address}/restore", flush=True)
            if browser:
                threading.Timer(1, webbrowser.open, [address]).start()

        app = Starlette(
            routes=routes, middleware=[Middleware(OwnHosts, listener, names)], lifespan=when_ready(announce)
        )
        try:
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            # requests that are cancelled because the user ends the server are no errors
            logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
            server.run(sockets=[listener])
        finally:
            if times := api.answers.milliseconds:
                print(f"{len(times)} answers, median {statistics.median(times):.0f} ms at the server", flush=True)
