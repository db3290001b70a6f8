"""What the floor and differential privacy cost: how much of what was said may be published.

usage: privacy.py HOME

HOME must have been run. For each k, and each epsilon at k 5 (delta 1e-6, 10 wordings of a user): wordings as they are
shown, and the share of people's turns whose wording is published, masked and, beside it, as it was said.
"""

import sys
import tempfile
from pathlib import Path

from flows.settings import Settings
from mining.clustering import constraints
from mining.engines.duckdb_engine import DuckdbEngine
from mining.release import k_anonymity, redaction
from mining.sessions import bots
from warehouse.home import existing
from warehouse.lake import Lake

FLOORS = (1, 5, 20, 50)
EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0)


def main() -> None:
    lake, asked = Lake(existing(Path(sys.argv[1])).lake), Settings().privacy
    days = lake.days("turns")
    people = bots.people(lake, days)
    said = lake.newest("utterance_stats")
    values, turns = constraints.slot_values(people["turns"]), int(said["turns"].sum())
    everything, nothing = (redaction.Mask(kinds, asked.name_slots) for kinds in (asked.mask, []))
    print(f"{turns:,} turns, {said.height:,} wordings")
    print("| k | epsilon | wordings shown | turns covered | without masks |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        engine = DuckdbEngine(Path(folder))
        for k, epsilon in [*((k, None) for k in FLOORS), *((5, e) for e in EPSILONS)]:
            privacy = k_anonymity.Release(k, epsilon, asked.delta, asked.max_utterances_per_user, 1)
            shares, shown = [], 0
            for mask in (everything, nothing):
                rows, _ = k_anonymity.release(engine, people, said, values, mask, privacy)
                each = rows.unique(["locale", "shown"])
                shares.append(int(each["turns"].sum()) / turns)
                shown = shown or each.height
            print(
                f"| {k} | {epsilon or ''} | {shown:,} | {shares[0]:.1%} | {shares[1]:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
