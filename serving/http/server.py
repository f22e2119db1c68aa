"""Serves ``POST /restore`` until it is interrupted."""

import os
import socket
from collections.abc import Sequence

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # idle threads of PyTorch must not keep the cores from the server's

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from ftn_core.utils.limits import cores
from ftn_core.words.labels import label
from serving.http.endpoint import restore_routes
from serving.http.own_hosts import OwnHosts
from serving.http.port import address_of
from serving.http.signals import when_ready
from serving.load import default_model, load_denoiser


def serve_restoring(model: str | None, listener: socket.socket, max_pixels: int, names: Sequence[str] = ()) -> None:
    """Serve on the socket until interrupted.

    Args:
        max_pixels: the most that a picture may have.
        names: hosts under which it is reached, besides the socket's address and localhost.

    Raises:
        UserError: there is no such model, or it cannot be loaded.
    """
    torch.set_num_threads(cores())
    name = model or default_model()
    denoiser = load_denoiser(name)
    quantity = denoiser.task.quantity

    def announce() -> None:
        ends = " to ".join(label(quantity, end) for end in denoiser.ends)
        print(f"model: {name}, {quantity.name} {ends}")
        print(f"POST {address_of(listener)}/restore?{quantity.name}=... ; Ctrl-C ends it", flush=True)

    guard = Middleware(OwnHosts, listener, names)
    app = Starlette(routes=restore_routes(denoiser, max_pixels), middleware=[guard], lifespan=when_ready(announce))
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
