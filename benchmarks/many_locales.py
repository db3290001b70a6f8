"""All locales of MASSIVE in one home, in one run: time, peak memory, and what is recovered by locale, script and family.

usage: python benchmarks/many_locales.py MASSIVE_FOLDER [--turns 4000] [--seeds 15] [--bench ../shared/bench] [--keep FOLDER]

Each locale has an assistant of its own that learned from `--seeds` utterances an intent. Quality is counted by the worlds' scorer, `score.py` in
`--bench`; executed is the share of turns on which the assistant did something.
"""

import argparse
import gzip
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean, median

import polars as pl
from massive import corpus_of
from measuring import Measured, a_night, measure, mib, scored

from flows.simulation.place import Habits
from flows.simulation.world import simulate

SCRIPTS = {
    "Arabic": "ar-SA fa-IR ur-PK",
    "Cyrillic": "mn-MN ru-RU",
    "Devanagari": "hi-IN",
    "Chinese": "zh-CN zh-TW",
    "Japanese": "ja-JP",
    "Hangul": "ko-KR",
    "Hebrew": "he-IL",
    "Greek": "el-GR",
    "Armenian": "hy-AM",
    "Georgian": "ka-GE",
    "Ethiopic": "am-ET",
    "Bengali": "bn-BD",
    "Kannada": "kn-IN",
    "Malayalam": "ml-IN",
    "Tamil": "ta-IN",
    "Telugu": "te-IN",
    "Khmer": "km-KH",
    "Burmese": "my-MM",
    "Thai": "th-TH",
}
FAMILIES = {
    "Germanic": "af-ZA da-DK de-DE en-US is-IS nb-NO nl-NL sv-SE",
    "Romance": "ca-ES es-ES fr-FR it-IT pt-PT ro-RO",
    "Slavic": "pl-PL ru-RU sl-SL",
    "Baltic": "lv-LV",
    "Celtic": "cy-GB",
    "Albanian": "sq-AL",
    "Hellenic": "el-GR",
    "Armenian": "hy-AM",
    "Indo-Iranian": "bn-BD fa-IR hi-IN ur-PK",
    "Uralic": "fi-FI hu-HU",
    "Turkic": "az-AZ tr-TR",
    "Mongolic": "mn-MN",
    "Semitic": "am-ET ar-SA he-IL",
    "Bantu": "sw-KE",
    "Dravidian": "kn-IN ml-IN ta-IN te-IN",
    "Austronesian": "id-ID jv-ID ms-MY tl-PH",
    "Austroasiatic": "km-KH vi-VN",
    "Sino-Tibetan": "my-MM zh-CN zh-TW",
    "Kra-Dai": "th-TH",
    "Japonic": "ja-JP",
    "Koreanic": "ko-KR",
    "Kartvelian": "ka-GE",
}


def group_of(groups: dict[str, str], locale: str, otherwise: str) -> str:
    return next((name for name, held in groups.items() if locale in held.split()), otherwise)


def a_world(massive: Path, folder: Path, turns: int, seeds: int) -> tuple[Path, list[str]]:
    """The folder of the world, and its locales."""
    names = sorted(f.name.removesuffix(".jsonl.gz") for f in massive.glob("*.jsonl.gz"))
    corpus, out = folder / "corpus.jsonl", folder / "world"
    with corpus.open("w", encoding="utf8") as whole:
        for name in names:
            one = corpus_of(massive / f"{name}.jsonl.gz", folder / "one.jsonl")
            whole.write(one.read_text("utf8"))
    habits = Habits(300, 14, turns * len(names), "2026-01-05", seeds, 0.1, 1, 0.0)
    if not (out / "world.json").is_file():
        simulate(out, corpus, 1, habits, None)
    return out, names


def told(world: Path) -> dict[str, dict[str, float]]:
    """Of each locale the shares of turns that were heard rightly and that were executed."""
    counts: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    with (
        gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as log,
        gzip.open(world / "truth.jsonl.gz", "rt", encoding="utf8") as truth,
    ):
        for turn, meant in zip(log, truth, strict=True):
            row, known = json.loads(turn), json.loads(meant)
            if known["right"] is not None:
                counts[row["locale"]].append((known["right"], row["intent"] is not None))
    return {
        locale: {"right": mean(r for r, _ in rows), "executed": mean(e for _, e in rows)}
        for locale, rows in counts.items()
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("massive", type=Path)
    arguments.add_argument("--turns", type=int, default=4_000, help="of a locale")
    arguments.add_argument("--seeds", type=int, default=15)
    arguments.add_argument("--bench", type=Path, default=Path("../shared/bench"))
    arguments.add_argument("--keep", type=Path)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        world, names = a_world(asked.massive, folder, asked.turns, asked.seeds)
        home, ran = folder / "home", Measured()
        measure(a_night(world, home), ran)
        show(world, home, names, ran, asked.bench)


def show(world: Path, home: Path, names: list[str], ran: Measured, bench: Path) -> None:
    done = json.loads(ran.printed[0])
    print(
        f"{len(names)} locales, {done['intake']['kept']:,} turns: {ran.seconds[0]:.0f} s, {mib(ran)} MiB at most\n"
    )
    print("| step | seconds |\n|---|---|")
    for step, seconds in sorted(done["seconds"].items(), key=lambda s: -s[1]):
        print(f"| {step.replace('_', ' ')} | {seconds:.1f} |")
    worth, said = scored(bench, world, home)["worth"], told(world)
    examples = pl.read_parquet(sorted(home.glob("training_sets/*/examples.parquet"))[-1])
    believed = dict(examples.group_by("locale").len().iter_rows())
    print(
        "\n| locale | script | family | heard rightly | executed | believed | seed | mined | annotated | recovered |"
    )
    print("|" + "---|" * 10)
    for locale, w in sorted(worth.items(), key=lambda kept: -kept[1]["recovered"]):
        shares = f"{said[locale]['right']:.2f} | {said[locale]['executed']:.2f} | {believed.get(locale, 0)}"
        names_of = f"{group_of(SCRIPTS, locale, 'Latin')} | {group_of(FAMILIES, locale, '')}"
        figures = " | ".join(f"{w[c]:.3f}" for c in ("seed", "mined", "annotated", "recovered"))
        print(f"| {locale} | {names_of} | {shares} | {figures} |")
    for title, groups, rest in (("script", SCRIPTS, "Latin"), ("family", FAMILIES, "")):
        by: dict[str, list[float]] = defaultdict(list)
        for locale, w in worth.items():
            by[group_of(groups, locale, rest)].append(w["recovered"])
        print(f"\n| {title} | locales | recovered, median (range) |\n|---|---|---|")
        for name, shares_of in sorted(by.items(), key=lambda kept: -median(kept[1])):
            spread = f"{median(shares_of):.2f} ({min(shares_of):.2f} to {max(shares_of):.2f})"
            print(f"| {name} | {len(shares_of)} | {spread} |")


if __name__ == "__main__":
    main()
