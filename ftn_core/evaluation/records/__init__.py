"""Results of an evaluation, as files in ``results/``: JSON for numbers, and an ``.npz`` beside it for pictures.

The stages that measure write them, and the stage ``report`` reads them. So a better figure needs no new measurement.
"""
