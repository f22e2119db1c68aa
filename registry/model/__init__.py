"""What travels with the registry model to answer the requests of programs."""
