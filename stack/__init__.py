"""The team's servers on one machine: `make up`, and the worker that any further machine runs."""
