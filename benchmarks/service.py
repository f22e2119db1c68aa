"""The service under load: latency and throughput beside the bare network, and what JSON costs.

python -m benchmarks.service [--quick]
"""

import contextlib
import gc
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import orjson
import torch

from benchmarks.harness import Report, Timing, compare, quick
from benchmarks.inference import DEFAULT, denoiser_of, device
from ftn_core.degradations.noise import add_noise
from ftn_core.runtime.images import restore
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from registry.model.request import read_json

# the tests' own server and client
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from model_service import ModelService
from wire import Client, Request

TEXT = """The default network (unshuffle_net, 32 channels, 6 blocks; fresh weights, as time does not depend on them),
registered and served by `mlflow models serve` on the machine that also runs the clients. Each client keeps its
connection and sends its next request when the last one is answered. The requests are noisy crops of a sample
photograph, values rounded to four digits, and each moves the dial. Every round times the bare network, called in this
process on all cores, and then 1, 4 and 16 clients; the ratio is the time for one image at the full rate, beside the
bare network's. Latency is over all requests of all rounds. The parts are measured in one process, without HTTP;
"MLflow's own" is its scoring server's function, which answers where a model has no endpoint of its own."""

CLIENTS = (1, 4, 16)
SIGMAS = (0.2, 0.27, 0.35, 0.5)


def noisy(side: int) -> np.ndarray:
    """``1 x side x side x 3`` of a real photograph, at sigma 0.2."""
    pixels = decode(next(sample_photographs()).path, min_side=side, max_pixels=10**8)[:, :side, :side]
    return add_noise(pixels, 0.2, 0, False).astype(np.float32).transpose(1, 2, 0)[None]


def body_of(images: np.ndarray, sigma: float, digits: int | None = 4) -> bytes:
    values = images.astype(np.float64)
    values = values if digits is None else values.round(digits)
    return json.dumps({"inputs": values.tolist(), "params": {"sigma": sigma}}).encode()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[ModelService]:
    denoiser_of(*DEFAULT).save(folder / "denoiser.safetensors")
    service = ModelService(folder, folder / "denoiser.safetensors")
    try:
        service.wait()
        yield service
    finally:
        service.stop()


def load(port: int, clients: int, wires: list[bytes], seconds: float) -> tuple[float, list[float]]:
    """Seconds for one request at the full rate, and each request's latency in seconds."""
    latencies: list[float] = []
    start = threading.Barrier(clients + 1)

    def run(first: int) -> None:
        client, i = Client(port), first
        start.wait()
        deadline = time.perf_counter() + seconds
        while i == first or time.perf_counter() < deadline:
            begin = time.perf_counter()
            status, _ = client.send(wires[i % len(wires)])
            assert status == 200
            latencies.append(time.perf_counter() - begin)
            i += 1
        client.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begin) / len(latencies), latencies


def alone(network: torch.nn.Module, images: torch.Tensor, seconds: float) -> float:
    """Seconds for one call of the bare network, measured over so many seconds."""
    restore(network, images)
    begin, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - begin < seconds:
        restore(network, images)
        calls += 1
    return (time.perf_counter() - begin) / calls


def under_load(report: Report, service: ModelService, side: int, rounds: int, seconds: float) -> None:
    images = noisy(side)
    wires = [Request("", body_of(images, sigma)).wire() for sigma in SIGMAS]
    network = denoiser_of(*DEFAULT).fold(0.5)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    load(service.port, 4, wires, 0)  # starts threads
    rates: dict[str, list[float]] = {name: [] for name in ("bare", *map(str, CLIENTS))}
    latencies: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    for _ in range(rounds):
        rates["bare"].append(alone(network, tensor, seconds))
        for clients in CLIENTS:
            each, found = load(service.port, clients, wires, seconds)
            rates[str(clients)].append(each)
            latencies[clients] += found
    bare = Timing(rates["bare"])
    rows: list[dict[str, object]] = [
        {
            "": "the bare network", "images/s": 1 / bare.median, "spread": bare.spread, "time for one, bare = 1": 1.0,
            "latency, median ms": "–", "p99 ms": "–", "requests": "–",
        }
    ]  # fmt: skip
    for clients in CLIENTS:
        timing, found = Timing(rates[str(clients)]), latencies[clients]
        rows.append(
            {
                "": f"{clients} client{'s' if clients > 1 else ''}",
                "images/s": 1 / timing.median,
                "spread": timing.spread,
                "time for one, bare = 1": timing.ratio(bare),
                "latency, median ms": 1000 * statistics.median(found),
                "p99 ms": 1000 * float(np.quantile(found, 0.99)),
                "requests": len(found),
            }
        )
    report.table(f"{side} x {side} pixels, {len(wires[0]) / 2**20:.2f} MB a request", rows)


def parts(report: Report, folder: Path, side: int) -> None:
    from mlflow.pyfunc import scoring_server

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model("models:/ftn-denoiser@champion")
    gc.freeze()  # as the service does
    gc.set_threshold(100_000, 50, 100)
    schema = model.metadata.get_input_schema()
    images = noisy(side)
    short, full = body_of(images, 0.3), body_of(images, 0.3, None)
    network = denoiser_of(*DEFAULT).fold(0.5)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    answer = model.unwrap_python_model().restore_images(images, {"sigma": 0.3})

    def write() -> bytes:
        return orjson.dumps({"predictions": answer}, option=orjson.OPT_SERIALIZE_NUMPY)

    def ours(body: bytes) -> bytes:
        restored = model.unwrap_python_model().restore_images(*read_json(body, 2**21))
        return orjson.dumps({"predictions": restored}, option=orjson.OPT_SERIALIZE_NUMPY)

    bare = "the bare network"
    timings = compare(
        {
            bare: lambda: restore(network, tensor),
            "the model in Python, with checks and the dial": lambda: model.predict(images, {"sigma": 0.3}),
            f"reading the request, four digits, {len(short) / 2**20:.1f} MB": lambda: read_json(short, 2**21),
            f"reading the request, all digits, {len(full) / 2**20:.1f} MB": lambda: read_json(full, 2**21),
            f"writing the answer, {len(write()) / 2**20:.1f} MB": write,
            "the endpoint, four digits": lambda: ours(short),
            "MLflow's own, four digits": lambda: scoring_server.invocations(short, "application/json", model, schema),
        },
        rounds=5,
        warmup=1,
    )
    report.timings(f"The parts, {side} x {side} pixels", timings, bare)


def main() -> None:
    device()
    report = Report("service", "The service under load", TEXT)
    rounds, seconds = (1, 0.1) if quick() else (5, 4.0)
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as service:
        for side in (32,) if quick() else (128, 512):
            under_load(report, service, side, rounds, seconds)
        parts(report, Path(name), 32 if quick() else 512)
    report.save()


if __name__ == "__main__":
    main()
