"""The services that a team runs the pipeline with: S3, MLflow, Prefect. Nothing imports this; it may import tasks."""
