import os
import shutil
import signal
import sys
from pathlib import Path

# a shell that starts the tests in the background, or nohup, has them ignored, and so would have the processes that the
# tests interrupt
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
# as the stages do: waiting threads must not take the cores from the processes that tests start
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import pytest
from forked_python import forked_python
from own_mlflow import own_mlflow

FIRST = ["stack", "pipeline", "tasks", "flows", "serving", "registry", "benchmarks", "golden", "ftn_core/training"]
"""Folders with the longest tests, so that no worker is left alone with one at the end."""
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
"""The first draws no windows of its own: two thirds of the processor's time."""


def pytest_xdist_setupnodes(config, specs):
    """Make workers forks of the process whose forks are also the programs that they start; it imports once for all."""
    if config.option.markexpr != "not slow":  # `make test-fast` starts no programs
        for spec in specs:
            spec.python = forked_python()


def pytest_configure():
    if os.environ.get("PYTEST_XDIST_WORKER"):
        sys.executable = str(Path(sys.prefix, "bin/python"))  # the interpreter itself, not the forks'


def pytest_collection_modifyitems(items):
    def place(item):
        folder = item.path.parent.relative_to(Path(__file__).parent)
        return next((i for i, first in enumerate(FIRST) if folder.is_relative_to(first)), len(FIRST))

    items.sort(key=place)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Beside other tests, two threads that wait for each other take up to ten times as long as one."""
    import torch  # not above: the process that starts the workers needs none of it

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_mlflow():
    with own_mlflow():
        yield


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A running S3 server, started when the first test asks for it."""
    from s3 import s3_server  # a machine with a GPU may lack boto3

    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


# module scope: while Playwright is open its event loop runs in this thread, and Prefect's tests would use it
@pytest.fixture(scope="module")
def chromium():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no browser: `apt-get install chromium-headless-shell`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True, scope="module")
def _own_path():
    """MLflow puts the code of each model that it loads on the path, where processes of later tests would find it."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture
def make_store(tmp_path):
    """A packed store of smooth random pictures: gradients and rectangles, something a network can learn."""
    import numpy as np

    from ftn_core.data.store import Store, StoreWriter

    def make(name: str, count: int = 3, height: int = 40, width: int = 56, seed: int = 0) -> Store:
        rng = np.random.default_rng(seed)
        with StoreWriter(tmp_path / name, "uint8") as writer:
            for i in range(count):
                y, x = np.mgrid[:height, :width] / max(height, width)
                planes = [128 + 100 * np.sin(7 * (a * y + b * x) + c) for a, b, c in rng.normal(size=(3, 3))]
                image = np.stack(planes)
                top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
                image[:, top : top + height // 3, left : left + width // 3] = rng.integers(0, 255, (3, 1, 1))
                writer.append(f"{name}-{i}", image.clip(0, 255).astype(np.uint8))
        return Store(tmp_path / name)

    return make
