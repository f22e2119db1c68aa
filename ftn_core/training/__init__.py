"""The training loop, its batches, and the training of networks and transitions."""
