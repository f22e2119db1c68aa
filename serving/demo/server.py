"""Serves the page until it is interrupted."""

import os
import socket
import statistics
import threading
import webbrowser

# nothing calls home, and waiting threads do not take the cores from the one that serves
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import gradio as gr
import torch
import uvicorn
from fastapi import FastAPI

from ftn_core.cores import cores
from ftn_core.errors import UserError
from serving.demo.actions import Actions
from serving.demo.page import CSS, THEME, build

_LARGEST_UPLOAD = "500mb"


def serve(model: str | None, host: str, port: int, browser: bool) -> None:
    """Serve on ``http://host:port``; at the end print the median time of an answer.

    Raises:
        UserError: the port is taken, or there is no model.
    """
    listener = _listen(host, port)
    torch.set_num_threads(cores())
    actions = Actions(model)
    if actions.models.trouble:
        print(f"{actions.models.trouble}: only the files are offered", flush=True)
    app = gr.mount_gradio_app(
        FastAPI(), build(actions), "/", theme=THEME, css=CSS, footer_links=[], max_file_size=_LARGEST_UPLOAD,
        run_history=False, ssr_mode=False, pwa=False, enable_monitoring=False, mcp_server=False,
    )  # fmt: skip
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    print(f"The dial is at {address}; Ctrl-C ends it", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    # not in the main thread, where uvicorn takes the interrupt for itself and waits for every open page to be closed
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    if browser:
        threading.Timer(1, webbrowser.open, [address]).start()
    try:
        serving.start()
        serving.join()
    finally:
        if times := actions.answers.milliseconds:
            print(f"{len(times)} answers, median {statistics.median(times):.0f} ms at the server", flush=True)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens, before anything is loaded."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        raise UserError(f"port {port} of {host} cannot be had ({error.strerror}): choose another with --port") from None
    return listener
