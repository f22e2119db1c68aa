"""Git, as the flows use it."""

from ftn_core.utils.errors import UserError
from registry import repository


def git_output(*arguments: str) -> str:
    """Run a Git command; returns its output.

    Raises:
        UserError: the command failed; the message is Git's own.
    """
    done = repository.run_git(*arguments)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
