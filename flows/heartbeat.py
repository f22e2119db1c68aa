"""Heartbeats of a dispatched run, watched by the pipeline that waits for it.

Prefect's automation (``stack.deploy``) crashes the runs of dead machines as well. It covers only runs that have sent a
heartbeat, and it works only while its service runs. A pipeline must not wait for ever on either.
"""

from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import Crashed

POLL_SECONDS = 2.0
"""Seconds between two polls of a run."""
TIMEOUT = 180.0
"""Seconds without a heartbeat after which a run counts as dead; longer than the automation's, which acts first."""


class HeartbeatMonitor:
    """Polls a run. A run that a worker holds is marked as crashed when its heartbeat stops.

    The timeout is counted in polls that the server answered: no heartbeat can arrive while the server is away.
    """

    def __init__(self, run: UUID) -> None:
        self.run = run
        self._last: tuple[UUID, UUID | None] | None = None
        """State and heartbeat at the last poll."""
        self._silent_polls = 0

    def poll(self) -> State | None:
        """The run's state, if it is final.

        Raises:
            httpx.HTTPError: the server is away.
        """
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(self.run).state
            if state is None or state.is_final():
                return state
            held = state.is_pending() or state.is_running()
            current = (state.id, self._newest_heartbeat(client)) if held else None
            self._silent_polls = self._silent_polls + 1 if current and current == self._last else 0
            self._last = current
            if self._silent_polls * POLL_SECONDS > TIMEOUT:
                crashed: State = Crashed(message=f"No heartbeat for {TIMEOUT:.0f} s: its machine is dead")
                client.set_flow_run_state(self.run, crashed, force=True)
        return None

    def _newest_heartbeat(self, client: SyncPrefectClient) -> UUID | None:
        newest = EventFilter(
            event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{self.run}"]),
        )
        page = client.read_events(newest, limit=1)
        return page.events[0].id if page.events else None
