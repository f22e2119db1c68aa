"""``ftn models``: list, compare and promote versions in the registry, and trace where they come from."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label, phrase
from registry.server import model_name
from serving.models.tables import moment, print_json, print_table

if TYPE_CHECKING:
    from registry.versions import Version

models_app = typer.Typer(
    help="Versions in the MLflow registry: list, compare, promote, roll back.", no_args_is_help=True
)

ModelName = Annotated[
    str,
    typer.Option(
        "--name",
        "--model-name",
        help="Registered model.",
        default_factory=model_name,
        show_default="register.model of params.yaml",
    ),
]
VersionName = Annotated[
    str, typer.Argument(metavar="VERSION", help="Its number or an alias: 3, champion.", show_default=False)
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Reason = Annotated[str, typer.Option("--why", help="The reason, for the record.")]


@models_app.command("list")
def list_command(name: ModelName, json: JsonFlag = False) -> None:
    """Every version, the newest first."""
    from registry import server, versions

    with server.existing_store() as client:
        found = versions.all_versions(client, name)
    if json:
        return print_json(found)
    rows = [
        [v.number, ", ".join(v.aliases), moment(v.at), v.tags.get("ftn.method", "–"), _levels(v), _psnr(v), v.gate]
        for v in found
    ]
    return print_table(["version", "alias", "registered", "method", "levels", "dB at them", "gate"], rows)


@models_app.command("show")
def show_command(version: VersionName, name: ModelName, json: JsonFlag = False) -> None:
    """Everything that is recorded of one version."""
    from ftn_core.evaluation.gate import MEANING
    from registry import server, versions

    with server.existing_store() as client:
        found = versions.find_version(client, name, version)
    if json:
        return print_json(found)
    size, parameters = found.megabytes, found.int_tag("ftn.parameters")
    fields = {
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
    return print_table(["", ""], [[key, value] for key, value in fields.items()])


@models_app.command("compare")
def compare_command(
    a: Annotated[str, typer.Argument(metavar="A", help="Number or alias.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Number or alias.", show_default=False)],
    name: ModelName,
    json: JsonFlag = False,
) -> None:
    """Two versions side by side: PSNR by level, parameters, size."""
    from registry import server, versions
    from serving.models.comparison import compare_versions, remarks

    with server.existing_store() as client:
        first, second = versions.find_version(client, name, a), versions.find_version(client, name, b)
    rows, notes = compare_versions(first, second), remarks(first, second)
    if json:
        return print_json({"a": first.number, "b": second.number, "rows": rows, "remarks": notes})

    def text(value: float | None, digits: int, sign: str = "") -> str:
        return "–" if value is None else f"{value:{sign},.{digits}f}"

    print_table(
        ["", f"version {first.number}", f"version {second.number}", "difference", ""],
        [[r.what, text(r.a, r.digits), text(r.b, r.digits), text(r.difference, r.digits, "+"), r.unit] for r in rows],
    )
    for remark in notes:
        print(remark)
    return None


@models_app.command("promote")
def promote_command(
    version: VersionName,
    name: ModelName,
    why: Reason = "",
    force: Annotated[bool, typer.Option("--force", help="Even if the gate has not passed it; needs --why.")] = False,
) -> None:
    """Make a version champion."""
    from registry import promotions, server, versions

    if force and not why.strip():
        raise UserError("--force needs --why: the record says why the gate was bypassed")
    with server.existing_store() as client:
        now = promotions.current_champion(client, name)
        found = versions.find_version(client, name, version)
        if found.number == now:
            return print(f"{name} version {now} is champion already")
        if found.gate != "passed" and not force:
            raise UserError(
                f"{name} version {found.number}: the gate says {found.gate}{_reasons(found)}; "
                "--force --why REASON promotes it all the same"
            )
        record = promotions.promote(client, name, found.number, "promote", ("forced: " if force else "") + why)
    return print(f"{name}: version {record.version} is champion" + _before(record.before))


@models_app.command("rollback")
def rollback_command(name: ModelName, why: Reason = "") -> None:
    """Make the previous champion champion again. The next rollback goes one further back."""
    from registry import promotions, server

    with server.existing_store() as client:
        record, skipped = promotions.rollback(client, name, why)
    for number in skipped:
        print(f"version {number} is deleted: skipped", file=sys.stderr)
    print(f"{name}: version {record.version} is champion again" + _before(record.before))


@models_app.command("history")
def history_command(name: ModelName, json: JsonFlag = False) -> None:
    """Who made which version champion, when and why; the newest last."""
    from registry import promotions, server

    with server.existing_store() as client:
        now = promotions.current_champion(client, name)
        records = promotions.history(client, name)
    if json:
        return print_json(records)
    print_table(
        ["when", "from", "to", "by", "who", "why"],
        [[moment(r.at), r.before or "none", r.version, r.how, r.who, r.why] for r in records],
    )
    if now != (records[-1].version if records else None):
        at = f"version {now}" if now else "none"
        print(f"champion now: {at}, moved by means that keep no record, or the last promotion was interrupted")
    return None


@models_app.command("lineage")
def lineage_command(version: VersionName, name: ModelName, json: JsonFlag = False) -> None:
    """Runs, commit, dvc.lock and photographs of a version, and whether this clone would make it again."""
    from registry import server, versions
    from registry.lineage import lineage_checks, stage_runs, verdict

    with server.existing_store() as client:
        found = versions.find_version(client, name, version)
        runs = stage_runs(client, name, found)
        checks = lineage_checks(name, found)
    state, sentence = verdict(checks)
    if json:
        return print_json({"version": found, "runs": runs, "checks": checks, "state": state, "verdict": sentence})
    print(f"models:/{name}/{found.number}, registered {moment(found.at)}\n")
    print_table(["stage", "MLflow run"], [[stage, run] for stage, run in runs.items()])
    print()
    print_table(
        ["", "recorded", "here", "", ""],
        [[c.what, _short(c.recorded), _short(c.here), c.state, c.remark] for c in checks],
    )
    return print(f"\n{state}: {sentence}")


def _short(text: str) -> str:
    """A text with its hashes cut to 12 digits, as Git shortens them."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]+", r"\1", text)


def _levels(version: "Version") -> str:
    levels = ", ".join(label(version.quantity, level) for level in version.levels)
    return f"{version.quantity.name} {levels}" if levels else "–"


def _psnr(version: "Version") -> str:
    return " ".join(f"{version.psnr[s]:.2f}" if s in version.psnr else "–" for s in version.levels) or "–"


def _reasons(version: "Version") -> str:
    failed = [value for key, value in sorted(version.tags.items()) if key.startswith("ftn.gate.")]
    reasons = [value.removeprefix("failed: ") for value in failed if value.startswith("failed: ")]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _before(version: str | None) -> str:
    return f", after version {version}" if version else ""
