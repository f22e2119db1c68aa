import pytest
from sandbox import Sandbox
from team import PASSWORD, Team

LEVELS = {"levels.adapted": [0.3, 0.5]}


@pytest.fixture(scope="session")
def team(tmp_path_factory):
    """The servers, behind a password, and one worker for each pool."""
    team = Team(tmp_path_factory.mktemp("team"), **LEVELS)
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
