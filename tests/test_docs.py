"""What README and docs say exists: linked files and headings, commands. Pages made from the code are up to date."""

import importlib.util
import json
import re
import runpy

import pytest
import typer
from project import ROOT

import ftn_core
from serving.command import ftn_app

PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(page for folder in ("features", "photographs", "styles", "weights") for page in (ROOT / folder).glob("*.md")),
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = r"(?ms)^ *```(\w*)\n(.*?)^ *```$"
OUTSIDE = ("https://", "http://127.0.0.1")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(FENCE, "", text))
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(FENCE, "", text))


def commands(text: str) -> list[str]:
    """Lines of shell code without comments, and inline code."""
    lines = [line for kind, block in re.findall(FENCE, text) if kind in ("sh", "") for line in block.splitlines()]
    return [line.partition("#")[0] for line in lines] + re.findall(r"`([^`\n]+)`", re.sub(FENCE, "", text))


def test_headings_become_githubs_anchors():
    text = "# A\n## The papers' `x` run, e.g. 1 (b)\n```\n# not one\n```\n### [L](x.md)\n"
    assert anchors(text) == {"a", "the-papers-x-run-eg-1-b", "l"}


def test_commands_are_found_in_blocks_and_in_sentences():
    assert commands("Say `make x`.\n```sh\nftn a  # b\n```\n```python\nmake = 1\n```\n") == ["ftn a  ", "make x"]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    for link in links(page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert link.startswith(OUTSIDE) or target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


TARGETS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
SUBCOMMANDS = set(typer.main.get_command(ftn_app).commands)


def module_exists(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and (not spec.submodule_search_locations or module_exists(f"{name}.__main__"))


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name):
    text = "\n".join(commands((ROOT / name).read_text()))
    assert set(re.findall(r"(?m)(?:^|[;&] )\s*make (?:\w+=\S+ )*([a-z-]+)", text)) <= TARGETS
    assert set(re.findall(r"(?m)^\s*(?:\$ )?ftn ([a-z]+)", text)) <= SUBCOMMANDS
    assert [module for module in re.findall(r"python -m ([\w.]+)", text) if not module_exists(module)] == []
    assert [script for script in re.findall(r"python ([\w/]+\.py)", text) if not (ROOT / script).exists()] == []


FTN = typer.main.get_command(ftn_app)
CODE = "".join(path.read_text() for path in ROOT.glob("[!.]*/**/*.py") if "tests" not in path.parts)
DVCS_OPTIONS = {"--temp", "--queue"}
HISTORY = ("docs/log.md", "docs/decisions/")


def options(command) -> set[str]:
    own = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return own.union(*(options(part) for part in getattr(command, "commands", {}).values()))


EVERY_OPTION = options(FTN) | DVCS_OPTIONS | set(re.findall(r'"(--[a-z-]+)"', CODE))


def unknown_options(text: str) -> list[str]:
    """Commands of ``ftn`` with options that they lack, and options in sentences that no command here has."""
    unknown = []
    for line in commands(text):
        name, _, rest = line.strip().removeprefix("$ ").partition(" ")
        known = EVERY_OPTION
        if name == "ftn":
            known = options(FTN.commands.get(rest.partition(" ")[0], FTN))
        elif not re.fullmatch(r"--[a-z-]+( \S+)?", line):
            continue
        unknown += [line for option in re.findall(r"(?<!\S)--[a-z-]+", line) if option not in known]
    return unknown


def test_options_that_are_not_there_are_found():
    text = "```sh\nftn restore a --model m  # --auto\nftn restore a --auto\n```\n`--auto`: `--level auto`, `ls --all`."
    assert unknown_options(text) == ["ftn restore a --auto", "--auto"]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(HISTORY)])
def test_options_exist(name):
    assert unknown_options((ROOT / name).read_text()) == []


def test_the_page_of_parameters_is_the_schemas():
    script = runpy.run_path(str(ROOT / "docs" / "parameters.py"))
    assert script["PAGE"].read_text() == script["render"](), "`make docs` writes the page anew"


def test_the_page_of_the_interface_is_the_docstrings():
    script = runpy.run_path(str(ROOT / "docs" / "api.py"))
    assert script["PAGE"].read_text() == script["render"](), "`make docs` writes the page anew"
    assert {f"## {name}" for name in ftn_core.__all__} <= set(script["PAGE"].read_text().splitlines())


def test_the_example_runs_from_top_to_bottom():
    cells = json.loads((ROOT / "docs" / "example.ipynb").read_text())["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    psnr, noisy, along = names["psnr"], names["noisy"], names["along"]
    assert psnr(names["restored"]) > psnr(noisy) + 8
    assert (along[0] == noisy).all() and max(along, key=psnr) is along[2]
    assert names["output"].shape == (1, 3, *noisy.shape[:2])
