"""Builds, loads and runs networks: device, files, layers, images, tiles."""
