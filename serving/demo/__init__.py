"""The slider page: the dial in a browser."""
