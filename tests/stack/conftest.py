import tempfile
from pathlib import Path

import pytest
from sandbox import Sandbox
from team import CHANGES, Team


@pytest.fixture(scope="session")
def team():
    """The servers, and one worker for each pool."""
    # a folder that PostgreSQL's system user can read: pytest closes its own folders to others
    with tempfile.TemporaryDirectory(prefix="ftn-team-", ignore_cleanup_errors=True) as folder:
        team = Team(Path(folder), **CHANGES)
        team.here.save_often()
        team.up()
        yield team
        team.close()


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The same project on one machine without any server: the others must give the same bytes."""
    sandbox = Sandbox(tmp_path_factory.mktemp("alone") / "project", **CHANGES)
    sandbox.untracked("finetune")
    return sandbox
