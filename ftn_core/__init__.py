"""Continuous-level image restoration in plain PyTorch: networks, transitions, training, evaluation."""
