"""Quality on logs of people, and on worlds made after them: one night each.

    python benchmarks/real_logs.py FOLDER... [--config FILE]

A FOLDER holds log.jsonl.gz and truth.jsonl.gz, and seed.jsonl.gz and test.jsonl.gz where it is a world. Beside the folders' parent lies
`bench/` with `real_score.py` and `score.py`, which say in their headers how they count. Beside the figures stand the verdicts: what the
run itself says that this log can tell. FILE has settings, such as an encoder.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from measuring import scored

from flows import runs, settings
from flows.pipeline import directly

PAIRS = ("rephrase_AP", "rephrase_error", "rephrase_said", "rephrase_said_right", "rephrase_mass")
FAILURES = ("defect_AUC", "defect_ECE")
LABELS = ("believed", "label_right", "hypothesis_right", "claimed", "harm", "turned_right_before")
REST = ("turned_right_after", "rewrites", "win_loss")
WORLD = ("win_loss", "defect_reduction", "recovered_mean")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--config", type=Path)
    asked = parser.parse_args()
    chosen = settings.load(asked.config) if asked.config else settings.Settings()
    names = [*PAIRS, *FAILURES, *LABELS, *REST]
    print("| log | " + " | ".join(n.replace("_", " ") for n in names) + " | verdicts |")
    print("|---" * (len(names) + 2) + "|")
    for folder in asked.folders:
        if (folder / "log.jsonl.gz").is_file():
            found = measured(folder, chosen)
            cells = [str(found.get(name, "")) for name in names]
            print(
                f"| {folder.name} | " + " | ".join(cells) + f" | {found['verdicts']} |", flush=True
            )


def measured(folder: Path, chosen: settings.Settings) -> dict[str, Any]:
    """The figures of one log."""
    bench = folder.parent.parent / "bench"
    seed = folder / "seed.jsonl.gz"
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        request = runs.Request(
            [str(folder / "log.jsonl.gz")], home, seed_data=seed if seed.is_file() else None
        )
        outcome = runs.run_night(request, chosen, directly)
        found = scored(bench, folder, home, "real_score.py")
        if seed.is_file():
            ours = scored(bench, folder, home)
            found |= {name: ours[name] for name in WORLD}
            found["win_loss"] = f"{ours['win_loss']} at {ours['defect_reduction']:.1%} of defects"
            found["label_right"] = (
                f"{found.get('label_right', '')} (recovered {ours['recovered_mean']})"
            )
    told = (f"{v['subject']} {v['verdict']}" for v in outcome.verdicts)
    return found | {"verdicts": ", ".join(told)}


if __name__ == "__main__":
    main()
