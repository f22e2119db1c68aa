"""The table "edited | runs again": one file is edited in a copy of the project, and DVC says what it would run."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo
from sandbox import Sandbox

METHODS = ["ftn", "dni"]
TRAININGS = {"train_base", "train_from_scratch", "train_line", "finetune"}
MEASUREMENTS = {
    "classical", "calibrate", "calibrate_line", "evaluate", "evaluate_line", "evaluate_baselines", "costs", "filters",
    "report", "register",
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which DVC has nothing to do: outputs are stand-ins, and `dvc commit` takes them for made."""
    with pytest.MonkeyPatch.context() as patch:
        changes = {"levels.methods": METHODS, "levels.from_scratch": [0.5], "levels.lines": [0.5]}
        sandbox = Sandbox(tmp_path_factory.mktemp("again") / "project", unused_rows=True, **changes)
        patch.chdir(sandbox.root)
        sandbox.pretend_made()
        assert would_run() == (set(), set())
        yield sandbox


def would_run() -> tuple[set[str], set[str]]:
    """Stages that are changed themselves, and those after them, which run if their inputs become others."""
    with Repo() as repo:
        changed = set(repo.status())
        # an edge leads from a stage to what it needs; `pretrained` writes the same, unless it reads other weights
        graph = repo.index.graph.subgraph(s for s in repo.index.graph if s.addressing != "pretrained")
        after = {
            downstream.addressing
            for stage in graph
            if stage.addressing in changed
            for downstream in nx.ancestors(graph, stage)
        }
    return changed, after - changed


def comment(name: str) -> Callable[[], None]:
    def edit() -> None:
        with Path(name).open("a") as file:
            file.write("# edited\n")

    return edit


def in_place(name: str, old: str, new: str) -> None:
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new, 1))


def gate_key() -> None:
    in_place("ftn_core/parameters/evaluation.py", "    min_gain: Float", "    new_key: Float\n    min_gain: Float")
    in_place("params.yaml", "  min_gain:", "  new_key: 1.0\n  min_gain:")


def new_network() -> None:
    Path("ftn_core/networks/plain_net.py").write_text(Path("ftn_core/networks/dncnn.py").read_text())
    in_place("ftn_core/parameters/network.py", '"resnet", ', '"resnet", "plain_net", ')


def new_transition() -> None:
    """A trivial method: its file, its options, its name in the list."""
    Path("ftn_core/transitions/offset.py").write_text(OFFSET)
    in_place(
        "ftn_core/parameters/transitions.py",
        "\n\nAnyTransition",
        '\n\nclass OffsetOptions(TransitionOptions):\n    method: Literal["offset"]\n\n\nAnyTransition',
    )
    in_place("ftn_core/parameters/transitions.py", "FtnOptions |", "OffsetOptions | FtnOptions |")


def new_row() -> None:
    new_transition()
    values = yaml.safe_load(Path("params.yaml").read_text())
    values["transitions"]["offset"] = {"method": "offset", "lr": 0.001, "supervision": "level"}
    values["levels"]["methods"].append("offset")
    Path("params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


OFFSET = '''"""A number added to each bias."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ftn_core.denoiser.transition import State, Transition


class Offset(Transition):
    """One number for the whole network."""

    def __init__(self, base: nn.Module, ratio: float) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, state: Mapping[str, Tensor]) -> State:
        return {name: value + self.offset for name, value in state.items() if name.endswith("bias")}
'''
ROW = {"finetune@{0}-0.5", "calibrate@{0}", "evaluate@{0}"}
LOSSES = {"loss", "evaluate", "evaluate_line", "evaluate_baselines", "register"}
UNUSED_ROWS = {"method@scale-mix", "method@scale-mix-continuous"}
NEW_ROW = {"method@offset", "costs", "filters", "report", "register"} | {name.format("offset") for name in ROW}
DNI_ROWS = {"method@dni", "method@dni-rescaled", "method@dni-continuous"}
LINES = {"train_line", "calibrate_line", "evaluate_line", "costs", "register"}
"""A line's far end is a level of DNI."""

TABLE = [
    ("tracking", comment("tasks/tracking/journal.py"), set()),
    ("the registry", comment("registry/versions.py"), set()),
    ("the parameters' schema", comment("ftn_core/parameters/training.py"), set()),
    ("a message", comment("ftn_core/utils/errors.py"), set()),
    ("progress", comment("ftn_core/utils/progress.py"), set()),
    ("the command line of stages", comment("tasks/__main__.py"), set()),
    ("serving", comment("serving/files/restore.py"), set()),
    ("stack", comment("stack/settings.py"), set()),
    ("flows", comment("flows/graph.py"), set()),
    ("a new key of `gate`", gate_key, {"register"}),
    ("a new network, unused", new_network, set()),
    ("a network that is not used", comment("ftn_core/networks/resnet.py"), set()),
    ("a new transition, unused", new_transition, set()),
    ("a transition that is not used", comment("ftn_core/transitions/scale_mix.py"), UNUSED_ROWS),
    ("a transition that is used", comment("ftn_core/transitions/dni.py"), DNI_ROWS | LINES | {"pretrained"}),
    ("a new row of a new transition", new_row, NEW_ROW),
    ("a figure of the report", comment("ftn_core/report/curves.py"), {"report"}),
    ("scoring", comment("ftn_core/evaluation/scoring.py"), MEASUREMENTS),
    ("the training loop", comment("ftn_core/training/loop.py"), TRAININGS),
    ("a loss", comment("ftn_core/losses/pixel.py"), LOSSES | TRAININGS),
    ("the degraded sets", comment("ftn_core/degradations/jpeg.py"),
     {"degraded", "calibrate", "calibrate_line", "register"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "edit", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_an_edit_runs_again_what_it_can_change(project, what, edit, expected):
    try:
        edit()
        changed, after = would_run()
    finally:
        subprocess.run(["git", "checkout", "-q", "--", "."], check=True)
        subprocess.run(["git", "clean", "-fdq", "ftn_core"], check=True, env=os.environ)
    print(f"| {what} | {', '.join(sorted(changed)) or 'nothing'} | {', '.join(sorted(after)) or '–'} |")
    named = {name if name in expected else name.partition("@")[0] for name in changed}
    assert named == expected
    if edit is not new_row and expected <= {"report", "register"}:
        assert after <= {"register"}


def test_a_used_transition_runs_its_own_row_again_and_what_comes_after(project):
    try:
        comment("ftn_core/transitions/dni.py")()
        _, after = would_run()
    finally:
        subprocess.run(["git", "checkout", "-q", "--", "."], check=True)
    row = {name.format("dni") for name in ROW}
    assert row <= after
    assert {name.partition("@")[0] for name in after - row} <= {"costs", "filters", "report", "register"}
    assert not any("ftn" in name or name.startswith("train") for name in after)
