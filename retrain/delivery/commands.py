"""Commands of the user's own: run without a shell, and never told the secret of the webhook."""

import os
import subprocess

SECRET = "SAYAGAIN_WEBHOOK_SECRET"


def run(words: list[str], seconds: float, said: bytes = b"", **known: str) -> int:
    """The exit code of a command that reads what is `said` and has `known` variables beside ours.

    Raises subprocess.TimeoutExpired and OSError.
    """
    ours = {name: value for name, value in os.environ.items() if name != SECRET}
    return subprocess.run(
        words,
        input=said,
        env=ours | known,
        timeout=seconds,
        check=False,
        stdout=subprocess.DEVNULL,
    ).returncode
