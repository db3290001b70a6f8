"""Clusters against true goals and intents, ours beside others', on a log with known truth.

usage: python benchmarks/clusters.py WORLD HOME

HOME is what `sayagain run` left of the world's log. The rivals (benchmarks/rivals/requirements.txt) cluster the
same wordings by the vectors of HOME and by MiniLM's (English); each at several settings, of which the best by F1
is shown, chosen by the truth, which none of ours is. A wording that a rival leaves out is a cluster of its own.

pairs: share of the pairs in a cluster that have one intent; found: share of the pairs of one goal that are in one
cluster; contradiction: share of wordings whose intent is not their cluster's; P, R, F1: B-cubed, by goal.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from retrieval import minilm
from scipy.sparse import coo_matrix
from truth import goal_of, intents, world_and_home

from warehouse.lake import Lake

Groups = np.ndarray


def judged(groups: Groups, goal: Groups, intent: Groups) -> dict[str, float]:
    """The figures of a clustering; all three are numbers, a row each."""
    by_goal, by_intent = _crossed(groups, goal), _crossed(groups, intent)
    size, wanted = np.bincount(groups), np.bincount(goal)
    precision = (by_goal.data**2 / size[by_goal.row]).sum() / len(groups)
    recall = (by_goal.data**2 / wanted[by_goal.col]).sum() / len(groups)
    return {
        "clusters": len(size),
        "pairs": _two(by_intent.data) / max(1.0, _two(size)),
        "found": _two(by_goal.data) / _two(wanted),
        "contradiction": 1 - by_intent.tocsr().max(axis=1).sum() / len(groups),
        "P": precision,
        "R": recall,
        "F1": 2 * precision * recall / (precision + recall),
    }


def _crossed(groups: Groups, of: Groups) -> coo_matrix:
    return coo_matrix((np.ones(len(groups)), (groups, of))).tocsr().tocoo()


def _two(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def numbers(names: list) -> Groups:
    return np.unique([str(n) for n in names], return_inverse=True)[1]


def noise_alone(labels: np.ndarray) -> Groups:
    alone = labels.max() + 1 + np.arange(len(labels))
    return numbers(np.where(labels < 0, alone, labels).tolist())


def community_detection(vectors: np.ndarray, _: list[str]) -> Iterator[tuple[str, Groups]]:
    from sentence_transformers.util import community_detection as detect

    for threshold in (0.75, 0.8, 0.85, 0.9):
        groups = np.full(len(vectors), -1)
        for number, members in enumerate(detect(vectors, threshold, min_community_size=2)):
            groups[members] = number
        yield f"threshold {threshold}", noise_alone(groups)


def semhash(vectors: np.ndarray, wordings: list[str]) -> Iterator[tuple[str, Groups]]:
    from semhash import SemHash

    index = SemHash.from_embeddings(
        embeddings=vectors, records=wordings, model=_Fixed(wordings, vectors)
    )
    place = {w: n for n, w in enumerate(wordings)}
    for threshold in (0.75, 0.8, 0.85, 0.9):
        groups = np.arange(len(wordings))
        for kept in index.self_deduplicate(threshold=threshold).selected_with_duplicates:
            for duplicate, _ in kept.duplicates:
                groups[place[duplicate]] = place[kept.record]
        yield f"threshold {threshold}", numbers(groups.tolist())


class _Fixed:
    """An encoder that gives vectors made before."""

    def __init__(self, wordings: list[str], vectors: np.ndarray) -> None:
        self.known = dict(zip(wordings, vectors, strict=True))

    def encode(self, inputs: list[str], **_: object) -> np.ndarray:
        return np.stack([self.known[text] for text in inputs])


def hdbscan(vectors: np.ndarray, _: list[str]) -> Iterator[tuple[str, Groups]]:
    from sklearn.cluster import HDBSCAN
    from sklearn.decomposition import PCA

    small = PCA(20, random_state=0).fit_transform(vectors)
    for least in (2, 4):
        for method in ("eom", "leaf"):
            made = HDBSCAN(min_cluster_size=least, cluster_selection_method=method, copy=True)
            labels = made.fit_predict(small)
            yield f"PCA 20, at least {least}, {method}", noise_alone(labels)


def bertopic(vectors: np.ndarray, wordings: list[str]) -> Iterator[tuple[str, Groups]]:
    from bertopic import BERTopic

    for least in (3, 10):
        model = BERTopic(min_topic_size=least, calculate_probabilities=False)
        labels, _ = model.fit_transform(wordings, vectors)
        yield f"topics of {least}", noise_alone(np.array(labels))


RIVALS: dict[str, Callable[..., Iterator[tuple[str, Groups]]]] = {
    "community_detection": community_detection,
    "SemHash": semhash,
    "HDBSCAN": hdbscan,
    "BERTopic": bertopic,
}


def main() -> None:
    world, home = world_and_home(__doc__)
    lake = Lake(home / "lake")
    goals, meant = goal_of(world), intents(world)
    rows = lake.newest("clusters").join(lake.newest("embeddings"), on=["locale", "utterance"])
    told = [(locale, u) in goals for locale, u in rows.select("locale", "utterance").iter_rows()]
    rows = rows.filter(pl.Series(told, dtype=pl.Boolean))
    keys = list(rows.select("locale", "utterance").iter_rows())
    goal, intent = numbers([goals[k] for k in keys]), numbers([meant[k] for k in keys])
    wordings = rows["utterance"].to_list()
    own = np.array(rows["vector"].to_list(), np.float32)
    columns = ("clusters", "pairs", "found", "contradiction", "P", "R", "F1")
    print(f"| clustering | vectors | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 2)}")

    def show(name: str, vectors: str, groups: Groups) -> None:
        figures = judged(groups, goal, intent)
        told = [f"{figures[c]:.0f}" if c == "clusters" else f"{figures[c]:.3f}" for c in columns]
        print(f"| {name} | {vectors} | {' | '.join(told)} |", flush=True)

    show("sayagain", "sayagain", numbers(rows["cluster_id"].to_list()))
    for vectors, given in (("sayagain", own), ("MiniLM", minilm(wordings))):
        for name, rival in RIVALS.items() if given is not None else ():
            began = time.perf_counter()
            tried = list(rival(given, wordings))
            setting, best = max(tried, key=lambda t: judged(t[1], goal, intent)["F1"])
            each = (time.perf_counter() - began) / len(tried)
            show(f"{name} ({setting}; {each:.0f} s)", vectors, best)


if __name__ == "__main__":
    main()
