"""Git, for what the flows ask of it."""

import subprocess

from ftn_core.errors import UserError


def git(*arguments: str) -> str:
    """What the command prints. Raises ``UserError`` with Git's own words if it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
