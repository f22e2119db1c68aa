"""Signs of life of a dispatched run, as the pipeline that waits for it sees them.

Prefect's automation (``stack.deploy``) ends the runs of dead machines too, yet only those that have sent a heartbeat,
and only as long as its service lives; a pipeline must not wait for ever on either.
"""

from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import Crashed

LOOK = 2.0
"""Seconds between two looks at a run."""
SILENCE = 180.0
"""Seconds without a sign after which a run counts as dead: longer than the automation's, which judges first."""


class Watch:
    """CheckSchedule at a run again and again; one that some worker holds and that has gone silent is ended as crashed.

    Silence is counted in looks that the server answered: while it is away, no sign could come.
    """

    def __init__(self, run: UUID) -> None:
        self.run = run
        self._sign: tuple[UUID, UUID | None] | None = None
        self._silent = 0

    def look(self) -> State | None:
        """The run's state, if it is final.

        Raises:
            httpx.HTTPError: the server is away.
        """
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(self.run).state
            if state is None or state.is_final():
                return state
            held = state.is_pending() or state.is_running()
            sign = (state.id, self._heartbeat(client)) if held else None
            self._silent = self._silent + 1 if sign and sign == self._sign else 0
            self._sign = sign
            if self._silent * LOOK > SILENCE:
                crashed: State = Crashed(message=f"No sign of life for {SILENCE:.0f} s: its machine is dead")
                client.set_flow_run_state(self.run, crashed, force=True)
        return None

    def _heartbeat(self, client: SyncPrefectClient) -> UUID | None:
        newest = EventFilter(
            event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{self.run}"]),
        )
        page = client.read_events(newest, limit=1)
        return page.events[0].id if page.events else None
