"""One part, in a process of its own: its stages one after the other, each once, what matters first.

The process can be killed at any moment. A stage that is done has a file in ``done/`` with what it read and wrote. A
training that is not goes on from its state, which it saves every few seconds.
"""

import json
import multiprocessing
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from hashlib import md5
from pathlib import Path

from benchmarks.gpu import GPU
from benchmarks.gpu.graph import PRIORITY, Stage, content
from benchmarks.gpu.steps import set_steps
from benchmarks.gpu.summary import write_summary
from benchmarks.gpu.workspace import DONE, call, enter
from benchmarks.harness import machine, versions
from ftn_core.parameters import load_parameters
from ftn_core.parameters.quantities import objective
from ftn_core.utils.errors import UserError
from ftn_core.utils.garbage_collection import collect_rarely
from ftn_core.utils.messages import complain, say
from tasks import paths
from tasks.parent_death import end_with_parent
from tasks.tracking.journal import Journal
from tasks.tracking.tracker import Tracker


@dataclass(frozen=True)
class Made:
    """A stage that is done: where, from what and into what. Hashes are those of DVC.

    Args:
        read: digest of command, parameters and ``deps``.
        seconds: of its last execution.
    """

    read: str
    deps: dict[str, str]
    outs: dict[str, str]
    machine: str
    versions: dict[str, str]
    seconds: float

    @classmethod
    def of(cls, name: str, folder: Path = DONE) -> "Made | None":
        path = folder / f"{name}.json"
        return cls(**json.loads(path.read_text())) if path.exists() else None


def run(stage: Stage) -> None:
    """Run a stage, unless it is done from the same inputs. What it records waits in a journal for MLflow."""
    deps = {path: content(path) for path in stage.deps}
    read = md5(json.dumps([stage.cmd, stage.params, deps]).encode()).hexdigest()
    made = Made.of(stage.name)
    if made and made.read == read:
        return
    journal = Journal.create()
    journal.append("open", stage=stage.name)
    start = time.monotonic()
    step_of = (load_parameters().quantity or objective("", "")).step_of
    call(stage, Tracker(stage.name, paths.RESUME / f"{read}.safetensors", step_of, journal))
    journal.append("end", status="FINISHED")
    journal.close()
    outs = {path: content(path) for path in stage.outs}
    seconds = time.monotonic() - start
    made = Made(read, deps, outs, machine(), versions(), seconds)
    partial = DONE / ".partial"
    partial.write_text(json.dumps(asdict(made), indent=1) + "\n")
    partial.replace(DONE / f"{stage.name}.json")
    say(f"{stage.name}: done in {seconds:.1f} s")


def run_all(stages: list[Stage]) -> list[str]:
    """Run stages; returns the names of those that failed or lack the output of one that did."""
    failed = []
    for stage in stages:
        if lacking := [path for path in stage.deps if not Path(path).exists()]:
            complain(f"{stage.name}: not run, because {', '.join(lacking)} is missing")
        else:
            try:
                run(stage)
                write_summary()
                continue
            except UserError as error:
                complain(f"{stage.name}: {error}")
            except Exception:  # the others may do
                complain(f"{stage.name}: failed")
                traceback.print_exc()
        failed.append(stage.name)
    return failed


def main() -> int:
    """Arguments: the part and the seconds that are left to it. Exit code 1: a stage failed."""
    start = time.monotonic()
    end_with_parent()
    collect_rarely()
    part, seconds = sys.argv[1], float(sys.argv[2])
    stages = enter(GPU / part)
    inputs, *_, results = ([s for s in stages if s.group in group] for group in PRIORITY)
    failed = run_all(inputs)
    stages = set_steps(stages, lambda: seconds - (time.monotonic() - start))
    # the classical denoisers need no GPU, and take minutes; beside the trials they would make steps look slow
    beside = multiprocessing.get_context("spawn").Process(target=run_beside, args=(results[:1],), daemon=True)
    beside.start()
    last = {stage.name for stage in (*inputs, *results)}
    failed += run_all([stage for stage in stages if stage.name not in last])
    beside.join()
    failed += run_all(results)
    return int(bool(failed))


def run_beside(stages: list[Stage]) -> None:
    """Run stages in a process beside the part's own, which ends with it, and has the cores first."""
    end_with_parent()
    os.nice(19)
    run_all(stages)


if __name__ == "__main__":
    sys.exit(main())
