"""Scores, calibration, costs and the gate."""
