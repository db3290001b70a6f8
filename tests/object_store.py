"""A stand-in for S3, for tests: moto's server, which answers as Amazon's does and keeps all in memory. No other store was tried."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def object_store(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a bucket, which s3fs reaches by what it is told in the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    fsspec.filesystem("s3").mkdir("nights")
    try:
        yield "s3://nights"
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
