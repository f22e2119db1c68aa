"""A base network, its adapted levels and the dial between them."""
