"""Base networks, one file each. A file's name is the network's name; runtime/network_file.py builds its one class."""
