"""Reading a folder of sentence-transformers. A folder never brings code of its own along."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@cache
def shared(folder: str) -> "SentenceTransformer":
    """The encoder of an immutable folder, loaded once in a process; whoever has it must not teach it."""
    return load(folder, local=True)


def load(name: str, *, local: bool = False) -> "SentenceTransformer":
    """The encoder of a folder, or of a name that the hub knows, unless it must be `local`."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(name, trust_remote_code=False, local_files_only=local)
