"""Scores on images, the dial's calibration, costs, and the gate of the registry."""
