"""What the pipeline's machinery costs beside its work: ``--help``, an unchanged graph at both doors, a stage that runs.

python -m benchmarks.overheads [--quick]
"""

import contextlib
import copy
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import Report, compare, quick

# the tests' small copy of the project
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from prefect_database import make_database
from sandbox import Sandbox

TEXT = """Whole processes, timed from outside, in a copy of the project at the size of its tests: three noise levels,
tiny photographs, thirty training steps. Nearly all time there is machinery, which costs the same however long a stage
works. An unchanged graph is also measured with commands that do nothing, which is DVC's own time, and without code
among the dependencies; the flow talks to a running Prefect server. In the tables of a stage's parts each row is a
process that does what the row above does and one thing more. The last tables compare the garbage collector as the
stages set it (ftn_core/utils/garbage_collection.py) with Python's default."""

FEW_STAGES = ("prepare", "degraded")
"""The part of the graph that ``--quick`` keeps."""

LOAD = "from ftn_core.parameters import load_parameters; load_parameters()"
IDENTIFY = "from tasks.identity import identify; identify('degraded@0.2')"
TRACK = "from tasks.launch import open_tracker\nwith open_tracker('degraded@0.2', round): pass"
PARTS = {
    "Python": "",
    "reading the parameters, with pydantic": LOAD,
    "asking DVC for the stage's identity": f"{LOAD}\n{IDENTIFY}",
    "an MLflow run in SQLite, written by an uploader beside the stage": f"{LOAD}\n{TRACK}",
}
IMPORTS = {
    "Python": "",
    "importing PyTorch": "import torch",
    "importing what trains, with Fabric": "import torch, ftn_core.training.train",
}
COLLECT_RARELY = "from ftn_core.utils.garbage_collection import collect_rarely; collect_rarely()\n"
BY_DEFAULT = """import runpy
from ftn_core.utils import garbage_collection
garbage_collection.collect_rarely = lambda: None
runpy.run_module("tasks", run_name="__main__")"""
"""The stages' runner, with Python's own settings of its garbage collector."""


def help_of_a_stage(report: Report, sandbox: Sandbox) -> None:
    bare = "python -c pass"
    variants = {
        bare: partial(sandbox.python, "-c", "pass"),
        "python -m tasks --help": partial(sandbox.python, "-m", "tasks", "--help"),
        "python -m tasks train_base --help": partial(sandbox.python, "-m", "tasks", "train_base", "--help"),
    }
    report.timings("`--help`", compare(variants, rounds=9, warmup=1), baseline=bare)


def stages_of(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """The stages' own entries, those below ``foreach`` included."""
    return [stage.get("do", stage) for stage in graph["stages"].values()]


def unchanged_graph(report: Report, sandbox: Sandbox) -> None:
    trivial = "the same graph, each command `true`"
    projects = {
        "the pipeline": sandbox,
        trivial: twin(sandbox, "trivial", keep_code=True),
        "the same, without code among the dependencies": twin(sandbox, "no-code", keep_code=False),
    }
    timings = compare({name: partial(repro, p) for name, p in projects.items()}, rounds=9, warmup=1)
    report.timings("`dvc repro` of an unchanged graph", timings, baseline=trivial)


def repro(project: Sandbox) -> None:
    assert "up to date" in project.dvc("repro")


def twin(sandbox: Sandbox, name: str, *, keep_code: bool) -> Sandbox:
    """A copy of a project that is up to date, with commands that do nothing."""
    other = copy.copy(sandbox)
    other.root = sandbox.root.with_name(name)
    shutil.copytree(sandbox.root, other.root, symlinks=True)
    graph = yaml.safe_load((other.root / "dvc.yaml").read_text())
    for stage in stages_of(graph):
        stage["cmd"] = "true"
        if not keep_code:
            stage["deps"] = [dep for dep in stage["deps"] if not dep.startswith(("ftn_core/", "tasks/", "registry/"))]
    (other.root / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))
    other.dvc("commit", "--force", "--quiet")
    return other


def unchanged_flow(report: Report, sandbox: Sandbox) -> None:
    with prefect_server(sandbox.prefect) as address:

        def flow() -> None:
            assert "0 stages ran" in sandbox.python("-m", "flows.pipeline", PREFECT_API_URL=address).stdout

        variants: dict[str, Callable[[], object]] = {
            "`dvc repro`": partial(repro, sandbox),
            "the flow, with a server running": flow,
        }
        timings = compare(variants, rounds=9, warmup=1)
    base, other = timings.values()
    beyond = statistics.median(b - a for a, b in zip(base.seconds, other.seconds, strict=True))
    rows = [
        {"variant": name, "median s": timing.median, "spread": timing.spread, "s beyond `dvc repro`": extra}
        for (name, timing), extra in zip(timings.items(), (0.0, beyond), strict=True)
    ]
    report.table("The flow over an unchanged graph", rows)


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """A server of its own on a free port; yields the address of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=os.environ | {"PREFECT_HOME": str(home), "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}/api"
        wait_for(f"{address}/health", seconds=180)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def parts_of_a_stage(report: Report, sandbox: Sandbox) -> None:
    variants: dict[str, Callable[[], object]] = {
        name: partial(sandbox.python, "-c", COLLECT_RARELY + code) for name, code in PARTS.items()
    }
    variants["the work: a small degraded set"] = partial(sandbox.python, "-m", "tasks", "degraded", "0.2")
    parts_table(report, "A stage that runs, `python -m tasks degraded 0.2`", variants)
    if quick():
        return
    variants = {name: partial(sandbox.python, "-c", COLLECT_RARELY + code) for name, code in IMPORTS.items()}
    parts_table(report, "What a stage that trains imports besides", variants)


def parts_table(report: Report, caption: str, variants: dict[str, Callable[[], object]]) -> None:
    timings = compare(variants, rounds=5, warmup=1)
    rows, before = [], 0.0
    for name, timing in timings.items():
        row = {"the row above, and": name, "median s": timing.median, "spread": timing.spread}
        rows.append(row | {"s added": timing.median - before})
        before = timing.median
    report.table(caption, rows)


def garbage_collector(report: Report, sandbox: Sandbox) -> None:
    for stage in (["degraded", "0.2"],) if quick() else (["degraded", "0.2"], ["train_base"]):
        variants = {
            "as the stages set it": partial(sandbox.python, "-m", "tasks", *stage),
            "Python's default": partial(sandbox.python, "-c", BY_DEFAULT, *stage),
        }
        caption = f"The garbage collector, `python -m tasks {' '.join(stage)}`"
        report.timings(caption, compare(variants, rounds=3, warmup=1), baseline="as the stages set it")


def keep_few_stages(sandbox: Sandbox) -> None:
    """Take all but ``FEW_STAGES`` out of the graph."""
    path = sandbox.root / "dvc.yaml"
    stages = yaml.safe_load(path.read_text())["stages"]
    path.write_text(yaml.safe_dump({"stages": {name: stages[name] for name in FEW_STAGES}}, sort_keys=False))


def main() -> None:
    report = Report("overheads", "Overheads: what the machinery costs beside the work", TEXT)
    with tempfile.TemporaryDirectory() as folder:
        changes = {"data.levels": [0.2, 0.5]} if quick() else {}
        sandbox = Sandbox(Path(folder) / "project", unused_rows=True, **changes)
        if quick():
            make_database(sandbox.prefect / "prefect.db")
        else:
            sandbox.interpreter = sys.executable  # and not the tests' forks, which have imported everything
        help_of_a_stage(report, sandbox)
        if quick():
            keep_few_stages(sandbox)
        print("\nbringing a small pipeline up to date ...", flush=True)
        sandbox.dvc("repro")
        unchanged_graph(report, sandbox)
        unchanged_flow(report, sandbox)
        parts_of_a_stage(report, sandbox)
        garbage_collector(report, sandbox)
    report.save()


if __name__ == "__main__":
    main()
