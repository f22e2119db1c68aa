"""Which project the command `ftn` works with."""

import pytest
from project import ROOT

from ftn_core.utils import project


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """The clone that `ftn` was installed from, and another folder as the working directory."""
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    clone.mkdir(), elsewhere.mkdir()
    (clone / "params.yaml").touch()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(project, "CLONE", clone)
    monkeypatch.setenv(project.PROJECT, "")  # so that it is as before afterwards
    monkeypatch.delenv(project.PROJECT)
    return clone


def test_outside_of_any_project_it_is_the_clone_that_ftn_was_installed_from(clone):
    project.choose_project()
    assert project.project_folder() == project.lasting_folder() == clone


@pytest.mark.parametrize("name", ["params.yaml", "mlflow.db"])
def test_in_a_project_it_is_that_one(clone, tmp_path, name):
    (tmp_path / "elsewhere" / name).touch()
    project.choose_project()
    assert project.lasting_folder() == tmp_path / "elsewhere"


def test_a_variable_names_another_one(clone, tmp_path, monkeypatch):
    monkeypatch.setenv(project.PROJECT, str(tmp_path))
    project.choose_project()
    assert project.lasting_folder() == tmp_path


def test_installed_without_a_clone_it_is_the_working_directory(clone, tmp_path):
    (clone / "params.yaml").unlink()
    project.choose_project()
    assert project.lasting_folder() == tmp_path / "elsewhere"


def test_the_clone_is_found():
    assert project.CLONE == ROOT
