from pathlib import Path

import pytest

from flows.graph import read_graph
from flows.pipeline import pool_of
from flows.stage_request import _overlaps, make_request
from ftn_core.utils.errors import UserError


def request_for(name):
    stages = read_graph([name])
    return make_request(next(stage for stage in stages if stage.name == name), stages)


def test_a_request_holds_what_the_stage_reads_and_no_more(committed):
    request = request_for("finetune@ftn-0.5")
    assert request.lock.keys() == {"degraded@0.5", "method@ftn"}
    assert request.inputs == ["out/degraded-0.5.txt", "out/methods/ftn.txt"]
    assert len(request.commit) == 40 and request.params == Path("params.yaml").read_text()


def test_parameters_may_differ_from_the_commit_and_code_may_not(committed):
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "# mine\n")
    assert request_for("finetune@ftn-0.5").params.endswith("# mine\n")
    Path("work.py").write_text(Path("work.py").read_text() + "# mine\n")
    with pytest.raises(UserError, match=r"^work\.py differ from the commit.*: commit, or run without pools$"):
        request_for("finetune@ftn-0.5")


def test_a_stage_whose_inputs_are_not_made_is_not_requested(fresh):
    fresh.commit()
    with pytest.raises(
        UserError, match=r"finetune@ftn-0\.5 reads what is not made yet: run degraded@0\.5, method@ftn first"
    ):
        request_for("finetune@ftn-0.5")


def test_inputs_may_be_parts_of_outputs_or_hold_several():
    outputs = ["data/degraded/0.2", "data/degraded/0.5", "data/photographs"]
    assert _overlaps(("data/degraded/0.2/train", "code.py"), outputs) == {"data/degraded/0.2/train"}
    assert _overlaps(("data/degraded",), outputs) == {"data/degraded/0.2", "data/degraded/0.5"}
    assert _overlaps(("data/degraded/0.25",), outputs) == set()


def test_what_reads_sources_or_keeps_no_run_stays_here(done):
    portable = {stage.name: stage.portable for stage in read_graph()}
    assert not portable.pop("prepare") and not portable.pop("method@ftn")
    assert portable and all(portable.values())


def test_a_stage_s_own_pool_goes_before_its_group_s():
    pools = {"finetune": "gpu", "finetune@dni-0.5": "big", "*": "default"}
    names = ("finetune@dni-0.5", "finetune@ftn-0.5", "evaluate@ftn", "train_base")
    assert [pool_of(name, pools) for name in names] == ["big", "gpu", "default", "default"]
    assert pool_of("train_base", {"finetune": "gpu"}) is None
