"""A team's servers on one machine (``make up``), and the worker for further machines (``make worker``)."""
