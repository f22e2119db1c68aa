"""Git, for what the flows ask of it."""

from ftn_core.errors import UserError
from serving.registry import clone


def git(*arguments: str) -> str:
    """What the command prints. Raises ``UserError`` with Git's own words if it fails."""
    done = clone.git(*arguments)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
