"""Measurements; nothing of the project imports them."""

import os

# as the stages do (tasks/__main__.py), before torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
