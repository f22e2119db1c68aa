from pathlib import Path

import pytest

from flows.remote import stage

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def store(committed, tmp_path):
    """DVC's remote, with everything that the toy's stages made."""
    committed.dvc("remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    committed.dvc("push")
    return tmp_path / "store"


def test_a_stage_runs_in_a_scratch_clone_and_its_run_goes_to_the_remote(committed, store):
    state = stage(name="finetune@ftn-0.5", return_state=True)
    assert (state.name, state.message) == ("Completed", "its run is on DVC's remote")
    assert len([path for path in (store / "runs").rglob("*") if path.is_file()]) == 1
    assert list(Path(".ftn/scratch").iterdir()) == []
    assert committed.runs() == []
    assert not store.with_name("a toy").exists()  # DVC would read the rest of "a toy #1" as a comment


def test_what_is_not_one_stage_is_refused(committed, store):
    state = stage(name="degraded", return_state=True)
    assert (state.name, state.message) == ("Refused", "degraded is not one stage: `dvc stage list` names them")
