"""What can go wrong, split by what the person who ran the command can do about it."""


class SayagainError(Exception):
    """A run that failed: one line, exit code 1."""


class BadInput(SayagainError):
    """Bad usage or bad input: one line that names file, row, field and the mend; exit code 2."""


class Busy(SayagainError):
    """Another run holds the home."""
