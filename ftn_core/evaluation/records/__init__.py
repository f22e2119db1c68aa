"""What an evaluation found, as it lies in ``results/``: JSON for numbers, beside it one ``.npz`` for pictures.

Written by the stages that measure and read by the one that draws, so that a better figure needs no new measurement.
"""
