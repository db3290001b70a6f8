"""The copy of a home in an object store, such as s3://bucket/place: what outlives the machine that the nights run on.

    PLACE/pointer.json                   which files the home has, each with a digest
    PLACE/objects/<folder>/<digest>-<name>

Objects never change; what the home is, one small object says, which is written last. A run that dies before that changed
nothing in the store, and what it left there goes with the next one. The salt, by which users are hashed, never leaves the
machine, and one machine holds a home at a time, by a lock on its own disk: another that wrote meanwhile is noticed, and
nothing of it is overwritten.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any

from warehouse.common.digests import file_digest
from warehouse.errors import BadInput, SayagainError

ADDRESS = "mirror"  # file of a home: where its copy is
SEEN = ".mirror.json"  # file of a home: what the pointer was when both were alike, and the digests of files
LOCAL = {"salt", ".lock", ADDRESS, SEEN, "scratch"}  # of a home, that are this machine's alone
PUBLISHED = (
    "warehouse.duckdb",
    "report.html",
)  # under their own names too, for those who only read
Files = dict[str, str]  # paths inside the home, with their digests


@dataclass(frozen=True)
class Mirror:
    """The copy at `address` of the home at `root`."""

    root: Path
    address: str

    @cached_property
    def _store(self) -> tuple[Any, str]:
        """The file system, and the place in it. BadInput where the address has no driver here."""
        import fsspec

        try:
            return fsspec.core.url_to_fs(self.address)  # type: ignore[no-any-return]
        except (ImportError, ValueError) as error:
            raise BadInput(
                f"{self.address}: cannot be reached ({error}); pip install 'sayagain[s3]' for s3://"
            ) from None

    def pull(self) -> None:
        """Make the home what the store says, unless it goes on from that already. BadInput where another salt made it."""
        pointer = self._pointer()
        if pointer is None or pointer["generation"] == self._seen().get("generation"):
            return
        if pointer["salt"] != self._mark():
            raise BadInput(
                f"{self.root / 'salt'}: is not the salt of {self.address}; copy that file from the machine that made it"
            )
        there: Files = pointer["files"]
        here = self._files()
        self._fetch({path: digest for path, digest in there.items() if here.get(path) != digest})
        for path in here.keys() - there.keys():
            _drop(self.root, path)
        self._note(pointer["generation"], self._files())

    def push(self) -> None:
        """Make the store what the home is. SayagainError where another machine wrote there since `pull`."""
        files, before = self._files(), self._pointer()
        known = before["generation"] if before else None
        if known != self._seen().get("generation"):
            raise SayagainError(
                f"{self.address}: was written by another machine meanwhile; run again, which begins from there"
            )
        fs, place = self._store
        fs.invalidate_cache()  # others may have deleted there
        there = set(fs.find(f"{place}/objects"))
        sent = {p: o for p, d in files.items() if (o := self._object(p, d)) not in there}
        if sent:
            fs.put([str(self.root / p) for p in sent], list(sent.values()))
        generation = uuid.uuid4().hex
        pointer = {"generation": generation, "salt": self._mark(), "files": files}
        fs.pipe_file(f"{place}/pointer.json", json.dumps(pointer).encode())
        self._note(generation, files)
        gone = there - {self._object(p, d) for p, d in files.items()}
        if gone:
            fs.rm(sorted(gone))
        for name in PUBLISHED:
            if name in files:
                fs.put(str(self.root / name), f"{place}/{name}")

    def _fetch(self, wanted: Files) -> None:
        """Put objects into the home, each whole or not at all."""
        drafts = self.root / "scratch" / "mirror"
        for path in wanted:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise BadInput(f"{self.address}/pointer.json: {path!r} lies outside the home")
        fs, _ = self._store
        names = {path: drafts / str(number) for number, path in enumerate(wanted)}
        drafts.mkdir(parents=True, exist_ok=True)
        if names:
            fs.get(
                [self._object(p, d) for p, d in wanted.items()], [str(f) for f in names.values()]
            )
        for path, draft in names.items():
            if file_digest(draft) != wanted[path]:
                raise SayagainError(f"{self.address}: {path} is damaged there")
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft, self.root / path)

    def _files(self) -> Files:
        """The files of the home; those that have the size and time that they had are not read."""
        known = self._seen().get("files", {})
        found = {}
        for file in sorted(self.root.rglob("*")):
            path = file.relative_to(self.root)
            if path.parts[0] in LOCAL or _passing(path) or not file.is_file():
                continue
            size, at = file.stat().st_size, file.stat().st_mtime_ns
            same = known.get(path.as_posix(), [None] * 3)
            found[path.as_posix()] = same[2] if same[:2] == [size, at] else file_digest(file)
        return found

    def _note(self, generation: str, files: Files) -> None:
        stats = {path: (self.root / path).stat() for path in files}
        seen = {p: [s.st_size, s.st_mtime_ns, files[p]] for p, s in stats.items()}
        draft = self.root / f"{SEEN}.draft"
        draft.write_text(json.dumps({"generation": generation, "files": seen}))
        os.replace(draft, self.root / SEEN)

    def _seen(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.root / SEEN).read_text()))
        except (OSError, ValueError):
            return {}

    def _pointer(self) -> dict[str, Any] | None:
        fs, place = self._store
        try:
            return dict(json.loads(fs.cat_file(f"{place}/pointer.json")))
        except FileNotFoundError:
            return None
        except ValueError:
            raise BadInput(f"{self.address}/pointer.json: is damaged") from None

    def _object(self, path: str, digest: str) -> str:
        folder, _, name = path.rpartition("/")
        return f"{self._store[1]}/objects/{folder}/{digest}-{name}".replace("//", "/")

    def _mark(self) -> str:
        """Tells one salt from another, and nothing of it."""
        return blake2b(b"mirror", key=(self.root / "salt").read_bytes(), digest_size=8).hexdigest()


def _drop(root: Path, path: str) -> None:
    """Delete a file, its partition's note, and the folders that are empty then: the lake knows days by their folders."""
    file = root / path
    file.unlink()
    for folder in file.parents:
        if folder == root or any(not inside.name.startswith(".") for inside in folder.iterdir()):
            return
        shutil.rmtree(folder)


def _passing(path: Path) -> bool:
    """Whether a file is one of work that is not done, or a note of this machine's."""
    return any(part.startswith(".") for part in path.parts)


@contextmanager
def mirrored(root: Path) -> Iterator[None]:
    """What is done in a home, begun from its copy in the store and left there; a home without a copy is as it is."""
    address = root / ADDRESS
    if not address.is_file():
        yield
        return
    mirror = Mirror(root, address.read_text().strip())
    mirror.pull()
    yield
    mirror.push()
