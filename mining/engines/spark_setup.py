"""What Spark needs of the machine, looked at before it starts: its own errors name none of it, some after minutes.

Notation and constants: docs/method.md, 11.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from warehouse.errors import SayagainError

NEEDED_JAVA = 17
PATIENCE = 5.0  # seconds for a master to take a connection
EMBEDDED = "or use --engine duckdb"
ADDRESSES = re.compile(r"(spark|sc)://([^/;?]+)")


def check_java() -> None:
    """Raises SayagainError, with what to install, where Spark would find no Java that it can use."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    install = (
        f"install Java {NEEDED_JAVA} or later (Debian: apt-get install openjdk-17-jre-headless)"
    )
    try:
        told = subprocess.run(
            [java or "java", "-version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        if home:
            raise SayagainError(
                f"--engine spark: JAVA_HOME is {home}, which has no bin/java that runs; mend or unset it,"
                f" {install}, {EMBEDDED}"
            ) from None
        raise SayagainError(f"--engine spark: no Java found; {install}, {EMBEDDED}") from None
    found = re.search(r'version "(\d+)', told.stderr)
    if not found or int(found.group(1)) < NEEDED_JAVA:
        seen = found.group(1) if found else "unknown"
        raise SayagainError(
            f"--engine spark: Java {seen} ({java}) is too old; {install}, {EMBEDDED}"
        )


def check_spark_home() -> None:
    """Raises SayagainError where SPARK_HOME, which goes before the installed Spark, leads to none."""
    home = os.environ.get("SPARK_HOME")
    if home and not (Path(home) / "bin" / "spark-submit").is_file():
        raise SayagainError(
            f"--engine spark: SPARK_HOME is {home}, which has no bin/spark-submit; unset it: sayagain brings its Spark"
        )


def check_master(address: str) -> None:
    """Raises SayagainError, within seconds, where nobody takes a connection at a spark:// or sc:// address; of
    several masters one is enough."""
    named = ADDRESSES.match(address)
    if not named:
        return
    default = 7077 if named[1] == "spark" else 15002
    why = ""
    for place in named[2].split(","):
        bare = place.endswith("]") or ":" not in place
        host, _, port = (place, "", str(default)) if bare else place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except (OSError, ValueError) as error:
            why = str(error)
        else:
            return
    raise SayagainError(
        f"--engine spark: nobody answers at {named[0]} ({why}); start the cluster, or mend mining.spark_master,"
        f" SPARK_REMOTE or MASTER, {EMBEDDED}"
    )
