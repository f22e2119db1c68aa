"""Half an hour with a GPU: the pipeline's stages without DVC, MLflow and network, and the way home."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
GPU = ROOT / ".gpu"
"""Holds everything: a folder for each part, with a ``params.yaml`` of its own."""
