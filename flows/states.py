"""The states of runs that do not end well."""

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from flows.stage import StageOutcome

REFUSED = "Refused"
"""State of a run that was given wrong input and did nothing."""


def failed_or_stopped(outcome: StageOutcome) -> State | None:
    """The state for a stage that failed or was stopped; ``None`` for one that ended well."""
    match outcome.how:
        case "failed":
            return Failed(message="\n".join([outcome.summary, "The stage's last lines:", *outcome.tail]))
        case "stopped":
            return Cancelled(message="The run was stopped")
    return None
