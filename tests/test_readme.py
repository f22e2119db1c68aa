"""The README keeps up with the parameters and the files it names."""

import re

import yaml
from project import ROOT

README = (ROOT / "README.md").read_text()


def leaves(values: dict, prefix: str = ""):
    for key, value in values.items():
        if isinstance(value, dict) and key != "schedule":
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_every_parameter_is_explained():
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    named = set()
    for row in rows:
        named |= set(re.findall(r"`([a-zA-Z_.]+)`", row.split("|")[1]))
    keys = leaves(yaml.safe_load((ROOT / "params.yaml").read_text()))
    assert named == {re.sub(r"^transitions\.[^.]+", "transitions.NAME", key) for key in keys}


def test_every_linked_file_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://arxiv.org/") or (ROOT / target).exists(), target
