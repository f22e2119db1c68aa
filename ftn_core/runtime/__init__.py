"""What it takes to build, load and run a network: device, files, layers, images, tiles."""
