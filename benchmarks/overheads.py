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
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import Report, compare, quick

# the tests' small copy of the project
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from sandbox import Sandbox

TEXT = """Whole processes, timed from outside, in a copy of the project at the size of its tests: three noise levels,
tiny photographs, thirty training steps. What takes time there is machinery, which costs the same however long a stage
works. An unchanged graph is also measured with commands that do nothing, which is DVC's own time, and without code
among the dependencies; the flow talks to a running Prefect server. Each row of a stage's parts is a process that does
what the row above does and one thing more; the last tables set the garbage collector as the stages do
(ftn_core/utils/garbage_collection.py) against Python's own pace."""

LOAD = "from ftn_core.parameters import load_parameters; load_parameters()"
IDENTIFY = "from tasks.identity import identify; identify('noisy@0.2')"
TRACK = "from tasks.tracking.tracker import track\nwith track('noisy@0.2'): pass"
PARTS = {
    "Python": "",
    "reading the parameters, with pydantic": LOAD,
    "asking DVC for the stage's identity": f"{LOAD}\n{IDENTIFY}",
    "an MLflow run in SQLite, by a courier that imports MLflow meanwhile": f"{LOAD}\n{TRACK}",
}
IMPORTS = {
    "Python": "",
    "importing PyTorch": "import torch",
    "importing what trains, with Fabric and torchmetrics": "import torch, ftn_core.training.loop",
}
RELAX = "from ftn_core.utils.garbage_collection import collect_rarely; collect_rarely()\n"
AT_PYTHONS_PACE = """import runpy, sys
from ftn_core.utils.garbage_collection import collect_rarely
collector.relax = lambda: None
del sys.argv[0]
runpy.run_module(f"tasks.{sys.argv[0]}", run_name="__main__")"""


def help_of_every_stage(report: Report, sandbox: Sandbox, rounds: int) -> None:
    bare = "python -c pass"
    variants = {bare: partial(sandbox.python, "-c", "pass")}
    for stage in yaml.safe_load((sandbox.root / "dvc.yaml").read_text())["stages"]:
        variants[f"tasks.{stage} --help"] = partial(sandbox.python, "-m", f"tasks.{stage}", "--help")
    report.timings("`--help` of every stage", compare(variants, rounds=rounds, warmup=1), baseline=bare)


def unchanged_graph(report: Report, sandbox: Sandbox, rounds: int) -> None:
    trivial = "the same graph, each command `true`"
    projects = {
        "the pipeline": sandbox,
        trivial: twin(sandbox, "trivial", keep_code=True),
        "the same, without code among the dependencies": twin(sandbox, "no-code", keep_code=False),
    }
    for name, project in projects.items():
        assert "up to date" in project.dvc("repro"), name
    timings = compare({name: partial(p.dvc, "repro") for name, p in projects.items()}, rounds=rounds, warmup=1)
    report.timings("`dvc repro` of an unchanged graph", timings, baseline=trivial)


def twin(sandbox: Sandbox, name: str, *, keep_code: bool) -> Sandbox:
    """A copy of a project that is up to date, with commands that do nothing."""
    other = copy.copy(sandbox)
    other.root = sandbox.root.with_name(name)
    shutil.copytree(sandbox.root, other.root, symlinks=True)
    graph = yaml.safe_load((other.root / "dvc.yaml").read_text())
    for stage in graph["stages"].values():
        stage["cmd"] = "true"
        if not keep_code:
            stage["deps"] = [dep for dep in stage["deps"] if not dep.startswith(("ftn_core", "tasks", "serving"))]
    (other.root / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))
    other.dvc("commit", "--force", "--quiet")
    return other


def unchanged_flow(report: Report, sandbox: Sandbox, rounds: int) -> None:
    with prefect_server(sandbox.root.parent / "prefect") as address:
        flow = partial(sandbox.python, "-m", "flows.pipeline", PREFECT_API_URL=address)
        assert "0 stages ran" in flow().stdout
        variants = {"`dvc repro`": partial(sandbox.dvc, "repro"), "the flow, with a server running": flow}
        timings = compare(variants, rounds=rounds, warmup=1)
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


def parts_of_a_stage(report: Report, sandbox: Sandbox, rounds: int) -> None:
    variants: dict[str, Any] = {name: partial(sandbox.python, "-c", RELAX + code) for name, code in PARTS.items()}
    variants["the work: a small noisy set"] = partial(sandbox.python, "-m", "tasks.noisy", "0.2")
    parts_table(report, "A stage that runs, `tasks.noisy 0.2`", variants, rounds)
    variants = {name: partial(sandbox.python, "-c", RELAX + code) for name, code in IMPORTS.items()}
    parts_table(report, "What a stage that trains imports besides", variants, rounds)


def parts_table(report: Report, caption: str, variants: dict[str, Any], rounds: int) -> None:
    timings = compare(variants, rounds=rounds, warmup=1)
    rows, before = [], 0.0
    for name, timing in timings.items():
        row = {"the row above, and": name, "median s": timing.median, "spread": timing.spread}
        rows.append(row | {"s added": timing.median - before})
        before = timing.median
    report.table(caption, rows)


def collector(report: Report, sandbox: Sandbox, rounds: int) -> None:
    for stage in (["noisy", "0.2"], ["train_base"]):
        name, *arguments = stage
        variants = {
            "as the stages set it": partial(sandbox.python, "-m", f"tasks.{name}", *arguments),
            "Python's own pace": partial(sandbox.python, "-c", AT_PYTHONS_PACE, *stage),
        }
        caption = f"The garbage collector, `tasks.{' '.join(stage)}`"
        report.timings(caption, compare(variants, rounds=rounds, warmup=1), baseline="as the stages set it")


def main() -> None:
    many, some, few = (1, 1, 1) if quick() else (9, 5, 3)
    report = Report("overheads", "Overheads: what the machinery costs beside the work", TEXT)
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(Path(folder) / "project")
        help_of_every_stage(report, sandbox, many)
        print("\nbringing a small pipeline up to date ...", flush=True)
        sandbox.dvc("repro")
        unchanged_graph(report, sandbox, many)
        unchanged_flow(report, sandbox, many)
        parts_of_a_stage(report, sandbox, some)
        collector(report, sandbox, few)
    report.save()


if __name__ == "__main__":
    main()
