"""The artifacts on a run's page in Prefect: progress bars, results, links to MLflow."""

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

from registry.server import (
    EXPERIMENT,
    TRAININGS,
    experiment_page,
    root_cause,
    short_timeouts,
    tracking_uri,
    without_credentials,
)
from registry.ui import MLFLOW_PAGE
from tasks.paths import TABLE, VERDICT


class ProgressArtifact:
    """The progress bar of one stage: the first percentage creates it, later ones update it."""

    INTERVAL = 2.0
    """Seconds between two updates, at the least."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._id: UUID | None = None
        self._sent: float | None = None
        self._due = 0.0

    def __call__(self, percent: float) -> None:
        """Show how far the stage is, in percent."""
        if time.monotonic() < self._due or percent == self._sent:
            return
        try:
            self._send(percent)
            self._due = time.monotonic() + self.INTERVAL
        except Exception as error:  # a bar that cannot be drawn must not end hours of training
            get_run_logger().warning(f"the progress bar is no longer updated: {error}")
            self._due = float("inf")

    def finish(self) -> None:
        """Fill the bar, if there is one."""
        if self._id and self._due < float("inf"):
            self._due = 0.0
            self(100.0)

    def _send(self, percent: float) -> None:
        if self._id is None:
            key = re.sub(r"[^a-z0-9]+", "-", f"progress-{self._stage}".lower())  # the characters that Prefect allows
            self._id = create_progress_artifact(percent, key=key, description=f"Progress of {self._stage}")  # type: ignore[assignment]
        else:
            update_progress_artifact(self._id, percent)
        self._sent = percent


def show_results(outputs: Iterable[str]) -> None:
    """Show the table of results and the gate's verdict, if the run brought them (``outputs``) up to date."""
    updated = list(outputs)
    for path, key, description in (
        (TABLE, "results", "The table of results"),
        (VERDICT, "verdict", "The gate's verdict on the registered version"),
    ):
        if path.exists() and any(path.is_relative_to(output) for output in updated):
            create_markdown_artifact(path.read_text(), key=key, description=description)


def show_mlflow_runs(stages: Sequence[str]) -> None:
    """Show links from stages to their newest MLflow runs.

    Call it only if a stage ran: importing MLflow takes seconds.
    """
    uri = tracking_uri()
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return  # asking MLflow would create the database
    import mlflow

    try:
        with short_timeouts():
            client = mlflow.MlflowClient(tracking_uri=uri)
            experiment = client.get_experiment_by_name(EXPERIMENT)
            found = experiment and {
                stage: runs[0].info.run_id
                for stage in stages
                if (
                    runs := client.search_runs(
                        [experiment.experiment_id],
                        f"tags.`ftn.stage` = '{stage}'",
                        max_results=1,
                        order_by=["attributes.start_time DESC"],
                    )
                )
            }
    except mlflow.exceptions.MlflowException as error:  # the results stand without their links
        get_run_logger().warning(f"no links to MLflow: {root_cause(error)}")
        return
    if found:
        server = without_credentials(uri).rstrip("/") if uri.startswith("http") else MLFLOW_PAGE
        page = f"{server}/#/experiments/{experiment.experiment_id}/runs"
        rows = [f"| {stage} | [{run}]({page}/{run}?{TRAININGS}) |" for stage, run in found.items()]
        if report := found.get("report"):
            rows.append(f"| the report | [report.html]({page}/{report}/artifacts/report.html?{TRAININGS}) |")
        rows.append(f"| all runs | [{EXPERIMENT}]({experiment_page(client, server)}) |")
        create_markdown_artifact(
            "\n".join(["| stage | MLflow run |", "|---|---|", *rows]),
            key="mlflow-runs",
            description="The MLflow run of each stage",
        )
