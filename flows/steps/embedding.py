"""The encoder of the night, and a vector for each wording."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flows import newest
from flows.pipeline import Reading, Result, earlier, own, step, tonight, window
from flows.steps import facts
from mining.clustering import encoder, lessons
from warehouse.common import encoders
from warehouse.lake import Lake
from warehouse.ledger import digest
from warehouse.tables import Embeddings, Encoders, RephraseEvents, Transitions, UtteranceStats

KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(RephraseEvents),
        *tonight(UtteranceStats, Transitions),
        *earlier(Encoders, Embeddings),
        *own(Embeddings),
    ),
    writes=(Encoders, Embeddings),
    settings=("mining.window_days", "mining.encoder", "mining.fine_tune"),
    facts=(facts.ENCODER_FILES,),
)
def embed_utterances(at: Reading) -> Result:
    """Teach the encoder by the window's pairs, or load the one that is set; embed what is new."""
    wordings = at.tonight(UtteranceStats)
    model, version = _taught(at, wordings)
    elsewhere = [d for d in at.lake.days("embeddings") if d != at.day]
    others, here = (stored(at.lake, version, days) for days in (elsewhere, [at.day]))
    kept = pl.concat(f.select("content", "vector") for f in (others, here)).unique("content")
    contents = pl.Series([digest(u) for u in wordings["utterance"]], dtype=pl.String)
    wanted = wordings.select(*KEY, content=contents)
    fresh = wanted.join(kept, on="content", how="anti").unique("content").sort("content")
    known = pl.concat([kept, fresh.select("content", vector=_embedded(model, fresh["utterance"]))])
    mine = wanted.join(others, on=KEY, how="anti")
    rows = mine.join(known, on="content").with_columns(encoder=pl.lit(version))
    at.put(Embeddings, rows.sort(KEY))
    at.put(Encoders, pl.DataFrame({"version": [version]}))
    return {"wordings": wordings.height, "new": fresh.height, "encoder": version}


def _taught(at: Reading, wordings: pl.DataFrame) -> tuple[Any, str]:
    """The encoder of the night, and its version."""
    named, fine_tune = at.settings.mining.encoder, at.settings.mining.fine_tune
    if named and not fine_tune:
        model = encoders.load(named)
        return model, f"{Path(named).name}-{encoder.fingerprint(model)}"
    taught = lessons.lessons(wordings, at.window(RephraseEvents), at.tonight(Transitions))
    if named:
        model = encoder.attend(encoders.load(named), taught, encoder.PRETRAINED)
    else:
        known = at.lake.read("encoders", at.nights(Encoders))["version"].to_list()
        before = newest.encoder_folder(at.home, known)
        model = encoder.learn(taught, encoders.load(str(before)) if before else None)
    version = f"{at.day}-{encoder.fingerprint(model)}"
    at.keep(at.home.root / "encoders" / version, partial(encoder.save, model))
    return model, version


def _embedded(model: Any, wordings: Iterable[str]) -> pl.Series:
    return pl.Series(encoder.embed(model, list(wordings))).arr.to_list()


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
    """All vectors that the encoder of tonight made, on whatever night. For steps after it, that read every Embeddings."""
    return stored(at.lake, _version(at), at.lake.days("embeddings"))


def vectors(at: Reading, wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, vector` of wordings (`locale, utterance`) by the encoder of the night: those of the lake, and
    of seed data, which nobody said, those that the encoder makes now."""
    known = of_tonight(at).select("utterance", "vector").unique("utterance")
    missing = wordings.join(known, on="utterance", how="anti").unique("utterance").sort("utterance")
    if missing.height:
        named, fine_tune = at.settings.mining.encoder, at.settings.mining.fine_tune
        taught = newest.encoder_folder(at.home, [_version(at)])
        model = encoders.load(named if named and not fine_tune else str(taught))
        fresh = missing.select("utterance", vector=_embedded(model, missing["utterance"]))
        known = pl.concat([known, fresh.cast(known.schema)])
    found = wordings.join(known, on="utterance").cast({"vector": pl.List(pl.Float32)})
    return found.select(*KEY, "vector").sort(KEY)
