"""Defects removed over wins a loss: the newest rewrites of a home, applied from a least `p_better` on.

usage: python benchmarks/rewrite_curve.py WORLD HOME
"""

import sys
import tempfile
from pathlib import Path

from measuring import scored

from warehouse.lake import Lake

LEAST = [0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98]


def main() -> None:
    world, home = (Path(a).resolve() for a in sys.argv[1:3])
    lake = Lake(home / "lake")
    rewrites = lake.newest("rewrites")
    print(f"| {world.name}: p_better | rewrites | wins | losses | wins a loss | defects removed |")
    print("|---|---|---|---|---|---|")
    for least in LEAST:
        chosen = rewrites.filter(rewrites["p_better"] >= least)
        with tempfile.TemporaryDirectory() as folder:
            Lake(Path(folder) / "lake").put("rewrites", lake.days("rewrites")[-1], chosen)
            found = scored(world.parent.parent / "bench", world, Path(folder))
        names = ("rewrite_wins", "rewrite_losses", "win_loss", "defect_reduction")
        figures = " | ".join(str(found[n]) for n in names)
        print(f"| from {least} | {chosen.height} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
