"""A journal on its way to MLflow: it can be published again from its beginning at any time, and doubles nothing."""

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

from registry.server import root_cause, store_name
from tasks.tracking.journal import Entry, Journal
from tasks.tracking.runs import StageRun


class Publication:
    """Sends a journal to MLflow.

    A request that failed may have reached MLflow all the same. So after a failure the run is looked up again, and the
    journal is sent from its beginning: metrics that the run has are left out, and the rest can be sent twice.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.status: str | None = None
        """How the run ended, once MLflow knows it."""
        self.refused: dict[str, str] = {}
        """What MLflow will never accept, and why."""
        self.count = 0
        """Records sent."""
        self._run: StageRun | None = None
        self._offset = 0
        self._last: Entry = {}

    @property
    def run(self) -> StageRun:
        """The run, found or created. Raises whatever MLflow's client does."""
        if not self._run:
            opening = self.journal.opening
            assert opening
            self._run = StageRun(opening, self.journal.name)
            self._offset = self.count = 0
        return self._run

    def publish(self, *, left: bool) -> None:
        """Send the records that are new. Does nothing before the stage has written its first.

        Args:
            left: The stage is gone. The run ends (KILLED, if the stage could not say how), and the journal is removed.

        Raises:
            Exception: MLflow did not take the records. The next call begins anew.
        """
        if self.journal.opening:
            try:
                self._publish(left)
            except Exception:
                self._run = None
                raise
        if left:
            self.journal.remove()

    def _publish(self, left: bool) -> None:
        run = self.run
        records, offset = self.journal.read(self._offset)
        for key, metrics in run.new_metrics(records).items():
            self._send(key, partial(run.log_metrics, metrics))
        for record in records:
            if record["kind"] == "tag":
                self._send(record["key"], partial(run.client.set_tag, run.id, record["key"], record["value"]))
            elif record["kind"] == "file":
                self._send(record["name"], partial(run.log_file, record["name"], base64.b64decode(record["data"])))
        self.count += len(records)
        self._offset = offset
        self._last = records[-1] if records else self._last
        if left:
            status = self._last.get("status", "KILLED")
            run.end(status, self._last["time"])
            self.status = status

    def _send(self, name: str, request: Callable[[], object]) -> None:
        """Ask MLflow to take something. What it will never accept, for example because of its name, is left out."""
        from mlflow.exceptions import MlflowException

        try:
            request()
        except MlflowException as error:
            if error.get_http_status_code() != 400:
                raise
            self.refused[name] = root_cause(error)


def publish_left(path: Path, *, redirect: bool = False) -> Publication | None:
    """Publish a journal that its stage has left; ``None`` if its stage runs, or if it is for another store.

    Args:
        redirect: also if it is for another store.

    Raises:
        Exception: MLflow did not take the records.
    """
    journal = Journal.take_over(path)
    if not journal:
        return None
    try:
        opening = journal.opening
        if opening and not redirect and opening["address"] != store_name():
            return None
        publication = Publication(journal)
        publication.publish(left=True)
        return publication
    finally:
        journal.close()
