"""MLflow: what stages record, written to disk first and uploaded beside the work."""
