from pathlib import Path

import pytest
import yaml

from flows.graph import read_graph
from ftn_core.utils.errors import UserError


def test_reads_stages_upstream_first_with_their_edges(fresh):
    stages = {s.name: s for s in read_graph()}
    assert {name: set(s.upstream) for name, s in stages.items()} == {
        "prepare": set(),
        "degraded@0.2": {"prepare"},
        "degraded@0.5": {"prepare"},
        "method@ftn": set(),
        "finetune@ftn-0.5": {"degraded@0.5", "method@ftn"},
        "evaluate": {"finetune@ftn-0.5", "degraded@0.2"},
    }
    names = list(stages)
    assert all(names.index(up) < names.index(name) for name, s in stages.items() for up in s.upstream)
    assert stages["prepare"].description == "the start"
    assert stages["prepare"].outputs == ("out/prepared.txt",)
    assert not any(s.up_to_date for s in stages.values())


@pytest.mark.parametrize(
    ("target", "visited"),
    [
        ("degraded@0.2", {"prepare", "degraded@0.2"}),
        ("finetune", {"prepare", "method@ftn", "degraded@0.5", "finetune@ftn-0.5"}),
        ("degraded", {"prepare", "degraded@0.2", "degraded@0.5"}),
        ("method", {"method@ftn"}),
        ("out/degraded-0.5.txt", {"prepare", "degraded@0.5"}),
        ("evaluate", {"prepare", "method@ftn", "degraded@0.2", "degraded@0.5", "finetune@ftn-0.5", "evaluate"}),
    ],
)
def test_targets_bring_what_they_need(fresh, target, visited):
    assert {s.name for s in read_graph([target])} == visited


def test_unknown_target_lists_the_known(fresh):
    with pytest.raises(UserError, match=r"'finetuna' .*degraded@0\.2") as caught:
        read_graph(["finetuna"])
    assert "\n" not in str(caught.value)


def test_forced_stage_outside_the_targets_is_refused(fresh):
    with pytest.raises(UserError, match="evaluate is not needed by the targets degraded"):
        read_graph(["degraded"], ["evaluate"])


def test_broken_graph_and_no_project(fresh, tmp_path, monkeypatch):
    Path("dvc.yaml").write_text("stages: [")
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        read_graph()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not inside of a DVC repository"):
        read_graph()


def _up_to_date(**arguments):
    return {s.name for s in read_graph(**arguments) if s.up_to_date}


def test_all_is_up_to_date_after_dvc_repro(done):
    assert _up_to_date() == done.stages


def test_what_is_downstream_of_a_change_is_not_up_to_date(done):
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["finetune"]["steps"] += 1
    Path("params.yaml").write_text(yaml.safe_dump(params))
    assert _up_to_date() == {"prepare", "method@ftn", "degraded@0.2", "degraded@0.5"}


def test_an_edited_method_concerns_only_the_stages_that_use_it(done):
    Path("fancy.txt").write_text("other\n")
    assert _up_to_date() == {"prepare", "degraded@0.2", "degraded@0.5"}


def test_deleted_output_is_not_up_to_date(done):
    Path("out/degraded-0.2.txt").unlink()
    assert _up_to_date() == {"prepare", "method@ftn", "degraded@0.5", "finetune@ftn-0.5"}


def test_what_is_downstream_of_a_forced_stage_is_not_up_to_date(done):
    assert _up_to_date(forced=["degraded@0.5"]) == {"prepare", "method@ftn", "degraded@0.2"}
