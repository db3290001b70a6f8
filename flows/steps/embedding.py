"""The encoder of the night, and a vector for each wording."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from flows import encoders, newest, seed
from flows.pipeline import Reading, Result, earlier, own, step, tonight, window
from flows.steps import facts
from mining.clustering import encoder, lessons
from warehouse.common.digests import digest
from warehouse.encoders import static, transformer
from warehouse.encoders.centres import Centres
from warehouse.encoders.encoder import Encoder, Vectors
from warehouse.encoders.kept import Kept
from warehouse.encoders.transformer import Folder
from warehouse.lake import Lake
from warehouse.tables import (
    Embeddings,
    Encoders,
    LocaleCentres,
    NightPlans,
    RephraseEvents,
    Transitions,
    UtteranceStats,
)

KEY = ["locale", "utterance"]
AT_ONCE = 65_536  # wordings, whose vectors are kept in half precision


@step(
    reads=(
        *window(RephraseEvents),
        *tonight(NightPlans, UtteranceStats, Transitions),
        *earlier(Encoders, Embeddings),
        *own(Embeddings),
    ),
    writes=(Encoders, Embeddings, LocaleCentres),
    settings=("mining.window_days", *encoders.SETTINGS),
    facts=(facts.ENCODER_FILES, facts.SEED_DATA),
)
def embed_utterances(at: Reading) -> Result:
    """Teach the encoder by the window's pairs, or ask the one that is set; embed what is new."""
    wordings = at.tonight(UtteranceStats)
    asked = _tonights(at, wordings)
    version = asked.version
    elsewhere = [d for d in at.lake.days("embeddings") if d != at.day]
    others, here = (stored(at.lake, version, days) for days in (elsewhere, [at.day]))
    kept = pl.concat(f.select("content", "vector") for f in (others, here)).unique("content")
    contents = pl.Series([digest(u) for u in wordings["utterance"]], dtype=pl.String)
    wanted = wordings.select(*KEY, content=contents)
    fresh = wanted.join(kept, on="content", how="anti").unique("content").sort("content")
    made = fresh.select("content", vector=_column(asked, fresh["utterance"]))
    known = pl.concat([kept, made.cast(kept.schema)])
    mine = wanted.join(others, on=KEY, how="anti")
    rows = mine.join(known, on="content").with_columns(encoder=pl.lit(version))
    at.put(Embeddings, rows.sort(KEY))
    at.put(Encoders, pl.DataFrame({"version": [version]}))
    at.put(LocaleCentres, _centres(at, asked, wanted.join(known, on="content")))
    return {"wordings": wordings.height, "new": _asked_for(asked, fresh), "encoder": version}


@dataclass(frozen=True)
class _Taught:
    """An encoder that the log taught tonight."""

    model: encoder.Learned
    version: str
    size: int = 0

    def embed(self, wordings: list[str]) -> Vectors:
        return self.model.embed(wordings)


def _tonights(at: Reading, wordings: pl.DataFrame) -> Encoder:
    """The encoder that is set, or one that is taught: tonight on a full night, else by the last one."""
    if given := encoders.named(at.home, at.settings):
        return given
    known = at.lake.read("encoders", at.nights(Encoders))["version"].to_list()
    before = newest.encoder_folder(at.home, known)
    if not at.full and before is not None:
        return Folder(before)
    taught = lessons.lessons(wordings, at.window(RephraseEvents), at.tonight(Transitions))
    model: encoder.Learned
    if asked := encoders.config(at.settings):
        model = encoder.attend(transformer.Tuned.of(asked), taught, encoder.PRETRAINED)
    else:
        model = encoder.learn(taught, static.shared(before) if before else None)
    version = f"{at.day}-{model.fingerprint}"
    at.keep(at.home.root / "encoders" / version, model.save)
    return _Taught(model, version)


def _asked_for(asked: Encoder, fresh: pl.DataFrame) -> int:
    """Wordings that were embedded: of those that are new to the lake, the ones that nobody embedded before."""
    return asked.made if isinstance(asked, Kept) else fresh.height


def _column(asked: Encoder, wordings: Iterable[str]) -> pl.Series:
    said = list(wordings)
    if not said:
        return pl.Series([], dtype=pl.List(pl.Float32))
    parts = [said[start : start + AT_ONCE] for start in range(0, len(said), AT_ONCE)]
    vectors = np.concatenate([asked.embed(part).astype(np.float16) for part in parts])
    return pl.Series(vectors).arr.to_list()


def _centres(at: Reading, asked: Encoder, said: pl.DataFrame) -> pl.DataFrame:
    """`locale, wordings, vector`: where what was said, and the seed data, lies in each locale, by an encoder that is
    set; that of the log knows no other than its own languages, and is taken as it is."""
    known = seed.kept(at.home).select(KEY).unique().sort(KEY)
    if at.settings.mining.encoder is None or said.is_empty():
        return LocaleCentres.create_empty()
    of_seed = known.select("locale", vector=_column(asked, known["utterance"]))
    rows = pl.concat([of_seed.cast({"vector": pl.List(pl.Float32)}), _floats(said.sort(KEY))])
    centres = Centres.found(rows["locale"].to_list(), _matrix(rows["vector"]))
    counts = dict(rows.group_by("locale").len().rows())
    names = [*centres.locales, newest.OF_ALL]
    return pl.DataFrame(
        {
            "locale": names,
            "wordings": [counts.get(name, rows.height) for name in names],
            "vector": centres.of.tolist(),
        }
    )


def _floats(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("locale", pl.col("vector").cast(pl.List(pl.Float32)))


def _matrix(vectors: pl.Series) -> Vectors:
    return vectors.list.to_array(len(vectors[0])).to_numpy().astype(np.float32)


def stored(lake: Lake, version: str, days: list[str]) -> pl.DataFrame:
    """The vectors that an encoder made on these nights; files of other encoders are passed over."""
    files = lake.files("embeddings", days)
    if not files:
        return Embeddings.create_empty()
    rows = pl.scan_parquet(files, hive_partitioning=False)
    return rows.filter(pl.col("encoder") == version).collect()


def _version(at: Reading) -> str:
    """The encoder of tonight."""
    return str(at.tonight(Encoders)["version"].item())


def of_tonight(at: Reading) -> pl.DataFrame:
    """`locale, utterance, vector` by the encoder of tonight, on whatever night it made them, from the centre of each
    locale. For steps after it, that read every Embeddings."""
    return _from_centres(at, _stored(at))


def _stored(at: Reading) -> pl.DataFrame:
    return stored(at.lake, _version(at), at.lake.days("embeddings"))


def vectors(at: Reading, wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, vector` of wordings (`locale, utterance`) by the encoder of the night, from the centre of each
    locale: those of the lake, and of seed data, which nobody said, those that the encoder makes now."""
    known = _stored(at).select("utterance", "vector").unique("utterance")
    missing = wordings.join(known, on="utterance", how="anti").unique("utterance").sort("utterance")
    if missing.height:
        taught = newest.encoder_folder(at.home, [_version(at)])
        asked = encoders.named(at.home, at.settings) or (Folder(taught) if taught else None)
        if asked is not None:
            fresh = missing.select("utterance", vector=_column(asked, missing["utterance"]))
            known = pl.concat([known, fresh.cast(known.schema)])
    found = wordings.join(known, on="utterance").select(*KEY, "vector")
    return _from_centres(at, found).sort(KEY)


def _from_centres(at: Reading, rows: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, vector` (of single precision)."""
    found = rows.select(*KEY, pl.col("vector").cast(pl.List(pl.Float32)))
    known = newest.centres(at.tonight(LocaleCentres))
    if known is None or found.is_empty():
        return found
    moved = known.centred(found["locale"].to_list(), _matrix(found["vector"]))
    return found.with_columns(vector=pl.Series(moved).arr.to_list())
