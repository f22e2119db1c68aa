"""How runs end that do not end well."""

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from flows.stage import Outcome

REFUSED = "Refused"
"""The state of a run that was asked for something wrong and did nothing."""


def unfinished(outcome: Outcome) -> State | None:
    """The state for a stage that failed or was stopped; ``None`` for one that ended well."""
    match outcome.how:
        case "failed":
            return Failed(message="\n".join([outcome.summary, "The stage's last lines:", *outcome.tail]))
        case "stopped":
            return Cancelled(message="The run was stopped")
    return None
