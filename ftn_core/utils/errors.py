"""The one exception that a user is meant to read."""


class UserError(Exception):
    """A mistake that the user can repair.

    The message is one line that names the key, file or image and says what to do. Commands print it
    without a traceback and end with exit code 2.
    """
