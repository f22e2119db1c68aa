"""The DVC graph as Prefect flows. Wiring only."""
