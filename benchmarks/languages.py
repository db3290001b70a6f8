"""What a bilingual lexicon and a table of inflected forms are worth.

usage: python benchmarks/languages.py WORLD [--lexicon LOCALE=FILE=LOCALE]... [--morphology LOCALE=FILE]...

WORLD is a folder as `sayagain simulate` writes. A night and a retraining each, of a new home: without help, with the
lexicons, with the tables, and with the tables and the variants that they make. Labels are scored by
`../bench/score.py` beside the worlds, where it lies; models by the share of `test.jsonl.gz` that they answer rightly.
A Markdown table a locale is printed. The files are yours: UniMorph for tables; for lexicons whatever has two columns.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Measured, measure, scored

FIGURES = ["label_accuracy", "coverage", "label_accuracy_weighted", "label_ECE"]


def settings(lexicons: list[str], tables: list[str], *, variants: bool = False) -> str:
    """The settings of a run, as TOML."""
    parts = [f"[languages]\nvariants = {json.dumps(variants)}\n[languages.lexicon]"]
    for locale, path, to in (entry.split("=") for entry in lexicons):
        parts.append(f"{locale} = {{ path = {json.dumps(path)}, to = {json.dumps(to)} }}")
    parts.append("[languages.morphology]")
    for locale, path in (entry.split("=") for entry in tables):
        parts.append(f"{locale} = {json.dumps(path)}")
    return "\n".join(parts) + "\n"


def learned(world: Path, home: Path, config: Path) -> Measured:
    """A night and a retraining, and what the night took."""
    taken, rest = Measured(), ["--home", str(home), "--config", str(config), "--json"]
    told = [str(world / "log.jsonl.gz"), "--seed-data", str(world / "seed.jsonl.gz")]
    sayagain = [sys.executable, "-m", "flows"]
    measure([*sayagain, "run", *told, "--engine", "duckdb", *rest], taken)
    measure([*sayagain, "retrain", *rest], Measured())
    return taken


def right(world: Path, home: Path) -> dict[str, float]:
    """The share of test wordings that what serves answers rightly, by locale."""
    with gzip.open(world / "test.jsonl.gz", "rt", encoding="utf8") as file:
        cases = [json.loads(line) for line in file]
    done = subprocess.run(
        [sys.executable, "-m", "flows", "predict", "--home", str(home), "--best", "1"],
        input="".join(json.dumps({"utterance": c["utterance"]}) + "\n" for c in cases),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line)["labels"][0]["label"] for line in done.stdout.splitlines()]
    hits: dict[str, list[bool]] = {}
    for case, answer in zip(cases, answers, strict=True):
        hits.setdefault(case["locale"], []).append(case["intent"] == answer)
    return {locale: sum(found) / len(found) for locale, found in sorted(hits.items())}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("world", type=Path, metavar="WORLD")
    arguments.add_argument("--lexicon", action="append", default=[])
    arguments.add_argument("--morphology", action="append", default=[])
    asked = arguments.parse_args()
    world = asked.world.resolve()
    ways = {"neither": settings([], [])}
    if asked.lexicon:
        ways["lexicon"] = settings(asked.lexicon, [])
    if asked.morphology:
        ways["forms folded"] = settings([], asked.morphology)
        ways["and variants"] = settings([], asked.morphology, variants=True)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, text) in enumerate(ways.items()):
            home, config = Path(folder) / str(number), Path(folder) / f"{number}.toml"
            config.write_text(text)
            taken = learned(world, home, config)
            scores = scored(world.parent.parent / "bench", world, home)
            found[name] = (taken, scores, right(world, home))
    print(f"| {world.name} | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    print("| seconds | " + " | ".join(f"{t.seconds[0]:.1f}" for t, _, _ in found.values()) + " |")
    for figure in FIGURES:
        cells = (str(scores.get(figure, "")) for _, scores, _ in found.values())
        print(f"| {figure} | {' | '.join(cells)} |")
    for locale in found["neither"][2]:
        worths = (s.get("worth", {}).get(locale, {}) for _, s, _ in found.values())
        print(
            f"| recovered, {locale} | {' | '.join(str(w.get('recovered', '')) for w in worths)} |"
        )
        rights = (f"{r[locale]:.4f}" for _, _, r in found.values())
        print(f"| the model right, {locale} | {' | '.join(rights)} |")


if __name__ == "__main__":
    main()
