"""Base networks, one file each: its name is the network's, and its one class is built by runtime/network_file.py."""
