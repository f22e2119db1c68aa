"""``ftn models``: versions in the registry, who is champion, and how each came to be."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label, phrase
from registry.address import model_name
from serving.models.tables import moment, print_json, print_table

if TYPE_CHECKING:
    from registry.versions import Version

app = typer.Typer(help="Versions in the MLflow registry: list, compare, promote, roll back.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Option(
        "--name",
        "--model-name",
        help="Registered model.",
        default_factory=model_name,
        show_default="register.model of params.yaml",
    ),
]
Which = Annotated[
    str, typer.Argument(metavar="VERSION", help="Its number or an alias: 3, champion.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record.")]


@app.command("list")
def list_versions(name: Name, json: Json = False) -> None:
    """Every version, the newest first."""
    from registry import promotions, server, versions

    with server.existing() as client:
        promotions.champion(client, name)
        found = versions.all_of(client, name)
    if json:
        return print_json(found)
    rows = [
        [v.number, ", ".join(v.aliases), moment(v.at), v.tags.get("ftn.method", "–"), _levels(v), _psnr(v), v.gate]
        for v in found
    ]
    return print_table(["version", "alias", "registered", "method", "levels", "dB at them", "gate"], rows)


@app.command()
def show(version: Which, name: Name, json: Json = False) -> None:
    """All that is known of one version."""
    from ftn_core.evaluation.gate import MEANING
    from registry import promotions, server, versions

    with server.existing() as client:
        promotions.champion(client, name)
        found = versions.find(client, name, version)
    if json:
        return print_json(found)
    size, parameters = found.megabytes, found.number_of("ftn.parameters")
    facts = {
        "version": f"models:/{name}/{found.number}",
        "alias": ", ".join(found.aliases) or "none",
        "registered": moment(found.at),
        "method": found.tags.get("ftn.method", "–"),
        "levels": _levels(found),
        "parameters": "–" if parameters is None else f"{parameters:,}",
        "size": "–" if size is None else f"{size:.2f} MB",
        "commit": found.tags.get("ftn.commit", "–"),
        "run": found.run,
        "gate": found.gate,
        **{f"  {rule}": found.tags[key] for rule in MEANING if (key := f"ftn.gate.{rule}") in found.tags},
        **{f"PSNR at {phrase(found.quantity, level)}": f"{value:.2f} dB" for level, value in found.psnr.items()},
    }
    return print_table(["", ""], [[key, value] for key, value in facts.items()])


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Number or alias.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Number or alias.", show_default=False)],
    name: Name,
    json: Json = False,
) -> None:
    """Two versions side by side: PSNR by level, parameters, size."""
    from registry import server, versions
    from serving.models.comparison import compare as side_by_side
    from serving.models.comparison import remarks

    with server.existing() as client:
        first, second = versions.find(client, name, a), versions.find(client, name, b)
    rows, words = side_by_side(first, second), remarks(first, second)
    if json:
        return print_json({"a": first.number, "b": second.number, "rows": rows, "remarks": words})

    def text(value: float | None, digits: int, sign: str = "") -> str:
        return "–" if value is None else f"{value:{sign},.{digits}f}"

    print_table(
        ["", f"version {first.number}", f"version {second.number}", "difference", ""],
        [[r.what, text(r.a, r.digits), text(r.b, r.digits), text(r.difference, r.digits, "+"), r.unit] for r in rows],
    )
    for remark in words:
        print(remark)
    return None


@app.command()
def promote(
    version: Which,
    name: Name,
    why: Why = "",
    force: Annotated[bool, typer.Option("--force", help="Though the gate has not passed it; needs --why.")] = False,
) -> None:
    """Make a version champion."""
    from registry import promotions, server, versions

    if force and not why.strip():
        raise UserError("--force needs --why: the record says why the gate was passed by")
    with server.existing() as client:
        now = promotions.champion(client, name)
        found = versions.find(client, name, version)
        if found.number == now:
            return print(f"{name} version {now} is champion already")
        if found.gate != "passed" and not force:
            raise UserError(
                f"{name} version {found.number}: the gate says {found.gate}{_reasons(found)}; "
                "--force --why REASON promotes it all the same"
            )
        record = promotions.promote(client, name, found.number, "promote", ("forced: " if force else "") + why)
    return print(f"{name}: version {record.version} is champion" + _before(record.before))


@app.command()
def rollback(name: Name, why: Why = "") -> None:
    """Make the champion before this one champion again; again, and it goes one further back."""
    from registry import promotions, server

    with server.existing() as client:
        record, skipped = promotions.rollback(client, name, why)
    for number in skipped:
        print(f"version {number} is deleted: passed over", file=sys.stderr)
    print(f"{name}: version {record.version} is champion again" + _before(record.before))


@app.command()
def history(name: Name, json: Json = False) -> None:
    """Who made which version champion, when and why; the newest last."""
    from registry import promotions, server, versions

    with server.existing() as client:
        now = promotions.champion(client, name) if versions.aliases(client, name) else None
        records = promotions.history(client, name)
    if json:
        return print_json(records)
    print_table(
        ["when", "from", "to", "by", "who", "why"],
        [[moment(r.at), r.before or "none", r.version, r.how, r.who, r.why] for r in records],
    )
    if now != (records[-1].version if records else None):
        print(f"champion now: {f'version {now}' if now else 'none'}, moved by means that keep no record")
    return None


@app.command()
def lineage(version: Which, name: Name, json: Json = False) -> None:
    """From a version to its runs, commit, dvc.lock and photographs; whether this clone would make it again."""
    from registry import server, versions
    from registry.lineage import checks, runs, verdict

    with server.existing() as client:
        found = versions.find(client, name, version)
        made_by = runs(client, found)
        checked = checks(name, found)
    state, words = verdict(checked)
    if json:
        return print_json({"version": found, "runs": made_by, "checks": checked, "state": state, "verdict": words})
    print(f"models:/{name}/{found.number}, registered {moment(found.at)}\n")
    print_table(["stage", "MLflow run"], [[stage, run] for stage, run in made_by.items()])
    print()
    print_table(
        ["", "recorded", "here", "", ""],
        [[c.what, _short(c.recorded), _short(c.here), c.state, c.remark] for c in checked],
    )
    return print(f"\n{state}: {words}")


def _short(text: str) -> str:
    """A hash by its beginning, as Git has it."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]+", r"\1", text)


def _levels(version: "Version") -> str:
    return (
        f"{version.quantity.name} {', '.join(label(version.quantity, level) for level in version.levels)}"
        if version.levels
        else "–"
    )


def _psnr(version: "Version") -> str:
    return " ".join(f"{version.psnr[s]:.2f}" if s in version.psnr else "–" for s in version.levels) or "–"


def _reasons(version: "Version") -> str:
    failed = [value for key, value in sorted(version.tags.items()) if key.startswith("ftn.gate.")]
    reasons = [value.removeprefix("failed: ") for value in failed if value.startswith("failed: ")]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _before(version: str | None) -> str:
    return f", after version {version}" if version else ""
