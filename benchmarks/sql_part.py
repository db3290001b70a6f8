"""The SQL part of mining (sessions, robots, candidate pairs) on large logs, beside the same written
by hand in DuckDB and in Polars: seconds, seconds a million turns, peak memory, and that all rows are
equal.

usage: python benchmarks/sql_part.py [--turns 1000000 5000000 20000000] [--runs 3] [--folder DIR]
       python benchmarks/sql_part.py --ours FOLDER OUT     (one run of sayagain's, for the harness)
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import duckdb
import polars as pl
from large_log import write
from measuring import Measured, TooLarge, measure, mib, spread

from mining.engines.duckdb_engine import DuckdbEngine
from mining.rephrases import pairs
from mining.sessions import bots, turns
from mining.sessions.turns import Admitted
from warehouse.lake import Lake

RIVALS = Path(__file__).parent / "rivals"
MEMORY = "6GB"  # of the DuckDB rival
GAP_SECONDS = 300
CHECKS = {
    "turns": "count(*), sum(hash(turn_id, session_id, utterance, confidence)::hugeint)",
    "bots": "count(*), sum(hash(user_id, locale, utterance, reason::varchar, turns::bigint)::hugeint)",
    "pairs": "count(*), sum(hash(source_turn_id, target_turn_id, session_id, round(seconds * 1000)::bigint, apart::bigint,"
    " lost_between::bigint, source_known, repeated_itself, source_outcome, feedback::int)::hugeint)",
}


def ours(folder: Path, out: Path) -> None:
    """Sessions, robots and pairs as a night makes them, from what the door let in."""
    files = sorted(folder.glob("*.parquet"))
    day = pl.col("timestamp").dt.strftime("%Y-%m-%d").unique().sort()
    days = pl.scan_parquet(files).select(day).collect().to_series().to_list()
    lake, engine = Lake(out / "lake"), DuckdbEngine(out / "scratch")
    admitted = Admitted(files, days, 0, 0, 0, {}, pl.DataFrame())
    days = turns.merge(engine, lake, admitted, 90, GAP_SECONDS)
    bots.find(engine, lake, days)
    pairs.find(engine, lake, days)
    engine.close()


def checked(folder: Path) -> list[tuple[object, ...]]:
    """What tells whether two runs left equal rows."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as con:
        found = []
        for table, sums in CHECKS.items():
            files = f"{folder / table}/**/*.parquet"
            found += con.execute(f"select {sums} from read_parquet('{files}')").fetchall()
        return found


def race(size: int, runs: int, folder: Path) -> None:
    log, gap = folder / f"log-{size}", str(GAP_SECONDS * 1000)
    write(size, log)
    commands = {
        "sayagain, DuckDB engine": [__file__, "--ours", str(log)],
        "DuckDB by hand": [str(RIVALS / "duckdb_script.py"), str(log)],
        "Polars by hand": [str(RIVALS / "polars_script.py"), str(log)],
    }
    rest = {"DuckDB by hand": [gap, MEMORY], "Polars by hand": [gap]}
    found = {}
    for name, command in commands.items():
        measured, out = Measured(), folder / "out"
        try:
            for _ in range(runs):
                shutil.rmtree(out, ignore_errors=True)
                measure([sys.executable, *command, str(out), *rest.get(name, [])], measured)
        except TooLarge:
            print(f"| {size:,} | {name} | ended: memory | | over 14 GiB | | |", flush=True)
            continue
        found[name] = checked(out / "lake" if name.startswith("sayagain") else out)
        a_million = median(measured.seconds) / size * 1_000_000
        same = "yes" if found[name] == found["sayagain, DuckDB engine"] else f"no: {found[name]}"
        rows = f"{found[name][2][0]:,}"
        print(
            f"| {size:,} | {name} | {spread(measured.seconds)} | {a_million:.1f}"
            f" | {mib(measured)} | {rows} | {same} |",
            flush=True,
        )
        shutil.rmtree(out)


def main() -> None:
    if sys.argv[1:2] == ["--ours"]:
        return ours(Path(sys.argv[2]), Path(sys.argv[3]))
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--turns", nargs="+", type=int, default=[1_000_000, 5_000_000, 20_000_000]
    )
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--folder", type=Path)
    asked = arguments.parse_args()
    print("| turns | | seconds, median (range) | a million | peak MiB | pairs | equal |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for size in asked.turns:
            race(size, asked.runs, asked.folder or Path(scratch))
    return None


if __name__ == "__main__":
    main()
