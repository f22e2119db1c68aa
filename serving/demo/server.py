"""Serves the page, and ``POST /restore`` beside it, until it is interrupted."""

import os
import socket
import statistics
import threading
import webbrowser
from collections.abc import Sequence

# no telemetry, and idle threads of PyTorch must not keep the cores from the server's threads
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import gradio as gr
import torch
import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from ftn_core.utils.limits import cores
from serving.demo.actions import Actions
from serving.demo.closed_gradio import OnlyUsedRoutes, check_files, private_uploads
from serving.demo.page import CSS, THEME, build_page
from serving.http.command import MEGAPIXELS
from serving.http.endpoint import restore_routes
from serving.http.own_hosts import OwnHosts
from serving.http.port import address_of
from serving.load import load_denoiser

_LARGEST_UPLOAD = "500mb"


@private_uploads()
def serve_page(model: str | None, listener: socket.socket, browser: bool, names: Sequence[str] = ()) -> None:
    """Serve on the socket until interrupted. At the end print the median time of an answer.

    Args:
        names: hosts under which the page is reached, besides the socket's address and localhost.

    Raises:
        UserError: there is no model, or it cannot be loaded.
    """
    torch.set_num_threads(cores())
    actions = Actions(model)
    if actions.models.registry_error:
        print(f"{actions.models.registry_error}: only the files are offered", flush=True)
    routes = restore_routes(load_denoiser(actions.models.first), int(MEGAPIXELS * 1e6))
    page = build_page(actions)
    guards = [
        Middleware(OwnHosts, listener, names),
        Middleware(OnlyUsedRoutes),
        Middleware(CORSMiddleware),  # no other origin reads; without it Gradio lets in every page of this machine
    ]
    app = FastAPI(openapi_url=None, routes=routes, middleware=guards)  # without /docs
    app = gr.mount_gradio_app(
        app, page, "/", theme=THEME, css=CSS, footer_links=[], max_file_size=_LARGEST_UPLOAD,
        app_kwargs={"openapi_url": None}, run_history=False, ssr_mode=False, pwa=False, enable_monitoring=False,
        mcp_server=False,
    )  # fmt: skip
    check_files(page)
    address = address_of(listener)
    print(f"The dial is at {address}; Ctrl-C ends it. Programs send pictures to {address}/restore", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    # not in the main thread: there uvicorn handles the interrupt, and waits until every open page is closed
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    if browser:
        threading.Timer(1, webbrowser.open, [address]).start()
    try:
        serving.start()
        serving.join()
    finally:
        if times := actions.answers.milliseconds:
            print(f"{len(times)} answers, median {statistics.median(times):.0f} ms at the server", flush=True)
