"""How things are said to people."""


def count(number: int, what: str) -> str:
    """`1 user`, `2 users`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def plain(line: str) -> str:
    """The line without what would steer a terminal: labels and answers come from the log."""
    return "".join(c for c in line if c.isprintable())
