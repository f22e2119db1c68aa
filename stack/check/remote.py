"""Checks DVC's remote, which ``dvc push`` and ``dvc pull`` use."""

from dvc.config import Config, ConfigError
from dvc.fs import get_cloud_fs

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from stack.check.storage import probe
from stack.settings import load_settings


def check() -> str:
    """Probe the default remote of this clone, or the team's own that `make up` and workers will set in it."""
    try:
        config = Config.from_cwd()
        name, known = config["core"].get("remote"), config["remote"]
        if name in known:
            where = f"{name}, {redact_url(known[name]['url'])}"
            return _at(where, *get_cloud_fs(config, name=name))
    except ConfigError:  # its text repeats lines of the file, which may hold keys
        raise UserError("its configuration is not valid: see .dvc/config, .dvc/config.local, ~/.config/dvc") from None
    if name:
        raise UserError(f"core.remote names {name}, which is not there: `dvc remote list`")
    if known:
        raise UserError(f"there is {', '.join(known)}, but none is the default: `dvc remote default NAME`")
    settings = load_settings()
    if settings.own_s3:
        return "nothing configured: results stay in this machine's cache"
    given = {"url": settings.remote, **({"endpointurl": settings.endpoint} if settings.endpoint else {})}
    return _at(f"not set yet, {settings.remote}", *get_cloud_fs(None, **given))


def _at(where: str, kind: type, settings: dict, path: str) -> str:
    if endpoint := settings.get("endpointurl"):
        where += f" at {redact_url(endpoint)}"
    try:
        return f"{where}: {probe(kind, settings, path)}"
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
