"""Files that other programs read: citation, hooks before a commit, the workflow, the licence."""

import subprocess
import tomllib
from importlib.metadata import metadata

import yaml
from project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_the_version_is_one():
    assert read("CITATION.cff")["version"] == PROJECT["version"] == metadata("ftn")["Version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_one():
    assert read("CITATION.cff")["license"] == PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_every_cited_paper_has_its_address_and_authors():
    papers = read("CITATION.cff")["references"]
    assert len({paper["url"] for paper in papers}) == len(papers) >= 6
    assert all(paper["url"].startswith("https://arxiv.org/abs/") and paper["authors"] for paper in papers)


def test_hooks_are_local_and_refuse_what_is_badly_formatted(tmp_path):
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    hooks = {hook["id"]: hook["entry"].split() for hook in repository["hooks"]}
    assert repository["repo"] == "local"
    for name in ("ruff-check", "ruff-format"):
        bad, good = tmp_path / "bad.py", tmp_path / "good.py"
        bad.write_text('import os\nx  = {  "a":1}\n')
        good.write_text('"""Good."""\n')
        codes = [subprocess.run([*hooks[name], file], cwd=ROOT, capture_output=True).returncode for file in (bad, good)]
        assert codes == [1, 0], name
    assert hooks["docs"][-1] == "tests/test_docs.py"


def test_the_workflow_runs_what_the_server_runs():
    steps = read(".github/workflows/ci.yml")["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
