"""The exception whose message is meant for users."""


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one line that names the key, file or image, and says what to do. Commands print it without a
    traceback and exit with code 2.
    """
