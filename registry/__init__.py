"""MLflow's model registry: versions, aliases, promotions, lineage; and the connection to MLflow, for tracking too."""
