"""Labels by others' aggregators. usage: votes_to_labels.py NAME VOTES.parquet LABELS.parquet; prints seconds.

crowd-kit 1.4.2 (DawidSkene, OneCoinDawidSkene, MACE) and Snorkel 0.10 (LabelModel), a locale at a time. Snorkel takes one
label a source and wording: the most frequent.
"""

import sys
import time

import numpy as np
import pandas as pd
import polars as pl

NAME, VOTES, LABELS = sys.argv[1:]


def by_crowdkit(mine: pl.DataFrame) -> pl.DataFrame:
    from crowdkit import aggregation

    frame = pd.DataFrame(
        {
            "task": mine["utterance"].to_list(),
            "worker": mine["source"].to_list(),
            "label": mine["label"].to_list(),
        }
    )
    made = getattr(aggregation, NAME)().fit(frame).probas_
    rows, columns = np.nonzero(made.to_numpy() > 1e-4)
    return pl.DataFrame(
        {
            "utterance": made.index.to_numpy()[rows].tolist(),
            "label": made.columns.to_numpy()[columns].tolist(),
            "probability": made.to_numpy()[rows, columns].astype(float),
        }
    )


def by_snorkel(mine: pl.DataFrame) -> pl.DataFrame:
    from snorkel.labeling.model import LabelModel

    names = {c: mine[c].unique().sort().to_list() for c in ("utterance", "source", "label")}
    place = {c: {x: i for i, x in enumerate(xs)} for c, xs in names.items()}
    most = (
        mine.group_by("utterance", "source", "label")
        .len()
        .sort("len", "label")
        .unique(["utterance", "source"], keep="last")
    )
    matrix = np.full((len(names["utterance"]), len(names["source"])), -1)
    for utterance, source, label, _ in most.iter_rows():
        matrix[place["utterance"][utterance], place["source"][source]] = place["label"][label]
    model = LabelModel(cardinality=len(names["label"]), verbose=False)
    model.fit(matrix, n_epochs=300, seed=0, progress_bar=False)
    made = model.predict_proba(matrix)
    rows, columns = np.nonzero(made > 1e-4)
    return pl.DataFrame(
        {
            "utterance": [names["utterance"][i] for i in rows],
            "label": [names["label"][i] for i in columns],
            "probability": made[rows, columns].astype(float),
        }
    )


votes = pl.read_parquet(VOTES)
began = time.perf_counter()
parts = []
for (locale,), mine in votes.partition_by("locale", as_dict=True).items():
    labels = by_snorkel(mine) if NAME == "LabelModel" else by_crowdkit(mine)
    parts.append(labels.select(pl.lit(locale).alias("locale"), pl.all()))
seconds = time.perf_counter() - began
pl.concat(parts).write_parquet(LABELS)
print(seconds)
