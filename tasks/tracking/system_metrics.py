"""MLflow's metrics of processors, memory, disk, network and GPUs, written to a spool. Importing this imports MLflow."""

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from tasks.tracking.spool import Spool

SAMPLING_INTERVAL = 5.0
"""Seconds."""


class SystemMetrics(SystemMetricsMonitor):  # type: ignore[misc]
    """Samples while the spool's stage runs; ``start`` it."""

    def __init__(self, spool: Spool) -> None:
        # It makes a client, which would open a database. A client of a server asks nothing of it until it is used.
        super().__init__(run_id="", sampling_interval=SAMPLING_INTERVAL, tracking_uri="http://127.0.0.1")
        self.mlflow_logger = _SpoolLogger(spool)

    def monitor(self) -> None:
        """As MLflow's own, which also asks the server before each sample and ends when that does not answer."""
        while not self._shutdown_event.wait(self.sampling_interval):
            self.collect_metrics()
            self.publish_metrics(self.aggregate_metrics())


class _SpoolLogger:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def record_metrics(self, values: dict[str, float], step: int) -> None:
        if self._spool.opening:  # the stage's own entry must be the first
            self._spool.append("metrics", values=values, step=None)
