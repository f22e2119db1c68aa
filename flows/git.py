"""Git, for what the flows ask of it."""

from ftn_core.utils.errors import UserError
from registry import repository


def git(*arguments: str) -> str:
    """What the command prints. Raises ``UserError`` with Git's own words if it fails."""
    done = repository.git(*arguments)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
