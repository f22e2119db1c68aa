import tempfile
from pathlib import Path

import pytest
from sandbox import Sandbox
from team import PASSWORD, Team

LEVELS = {"levels.adapted": [0.3, 0.5]}


@pytest.fixture(scope="session")
def team():
    """The servers, behind a password, and one worker for each pool."""
    # where PostgreSQL's own user can look: pytest closes its folders to others
    with tempfile.TemporaryDirectory(prefix="ftn-team-", ignore_cleanup_errors=True) as folder:
        team = Team(Path(folder), **LEVELS)
        team.settings["FTN_AUTH"] = f"ftn:{PASSWORD}"
        team.up()
        yield team
        team.close()


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The same project on a single machine without any server: what bytes the others must give."""
    sandbox = Sandbox(tmp_path_factory.mktemp("alone") / "project", **LEVELS)
    sandbox.dvc("repro", "finetune")
    return sandbox
