"""What ends a night: the row of `runs`, the funnel, and the published warehouse."""

import time
from collections.abc import Iterable, Sequence

import dataframely as dy
import polars as pl

from flows import trusting
from flows.pipeline import Night, Result, Step
from flows.steps.accounts import bots, rejected
from flows.steps.figures import funnel
from flows.steps.rephrases import evidence_of
from warehouse.lake import Lake, typed
from warehouse.publish import publish
from warehouse.tables import DECLARED, Grain, Published, Runs, name_of

ASKED = ("voter_requests", "voter_tokens")


def publish_warehouse(
    night: Night, day: str, intake: Result, noticed: Sequence[str] = ()
) -> Result:
    """Record the run with what was `noticed`, and replace the published warehouse."""
    lake = night.lake
    files = lake.files("turns", night.window("turns", day))
    said = sum(pl.scan_parquet(f).select(pl.len()).collect().item() for f in files)
    of = intake["days"][-1] if intake["days"] else day
    if intake["days"] or of not in lake.days("runs"):
        row = _run(night, day, intake, noticed) | {"night": of, "turns": said}
        lake.put("runs", of, typed(Runs, pl.DataFrame([row], infer_schema_length=None)))
    if intake["days"]:
        lake.put("funnel", day, funnel(lake, day, intake, said))
    return {"views": publish(night.home, lake, night.settings.min_users.published)}


def _run(night: Night, day: str, intake: Result, noticed: Sequence[str]) -> Result:
    """A row of `runs`, but for its night and turns."""
    lake, privacy = night.lake, night.settings.privacy
    repeated = f"{intake['duplicates']} rows repeat a turn" if intake["duplicates"] else None
    told = "; ".join(m for m in (repeated, *noticed) if m) or None
    return {
        "evidence": evidence_of(lake.newest("mixture_fits")),
        **trusting.columns(lake.newest("trust", day)),
        "epsilon": privacy.epsilon,
        "delta": privacy.delta if privacy.epsilon else None,
        "recall": lake.newest("searches")["recall"].min(),
        **_asked(lake.newest("voter_requests", day)),
        "status": "completed" if intake["days"] else "empty",
        "engine": night.engine.name,
        **{name: intake[name] for name in ("read", "kept", "set_aside", "forgotten")},
        "message": told if intake["days"] else "the log holds no turn",
        "seconds": round(time.perf_counter() - night.began, 3),
    }


def _asked(spent: pl.DataFrame) -> Result:
    """What was spent on the model that is asked, if one is."""
    row = spent.row(0, named=True) if spent.height else {}
    return {name: row.get(name.removeprefix("voter_")) for name in ASKED}


def record_failure(lake: Lake, day: str, message: str) -> None:
    """A row of `runs` for a night that failed, beside the run that went well, if there was one."""
    counts = dict.fromkeys(("read", "kept", "set_aside", "forgotten", "turns"), 0)
    run = {"night": day, "status": "failed", "message": message, "evidence": [], **counts}
    rest = dict.fromkeys(
        ("engine", "seconds", "recall", "epsilon", "delta", *ASKED, *trusting.COLUMNS)
    )
    before = lake.read("runs", [day]).filter(pl.col("status") != "failed")
    lake.put("runs", day, pl.concat([before, typed(Runs, pl.DataFrame([run | rest]))]))


def believe_nothing(night: Night, day: str, steps: Iterable[Step]) -> Result:
    """Of a window in which no person says anything, nothing is believed any more: what these steps write is emptied,
    but for what is carried, such as decisions of persons, and for the record of what was done."""
    lake = night.lake
    for table in (t for each in steps for t in each.writes if _believed(t)):
        if day in lake.days(name_of(table)):
            lake.put(name_of(table), day, table.create_empty())
    days = night.window("bots", day)
    aside = pl.concat([rejected(lake, day), bots(lake, day, days)])
    lake.put("withheld", day, aside)
    return {}


def _believed(table: type[dy.Schema]) -> bool:
    """Whether rows of a night say what was believed then."""
    about = DECLARED[name_of(table)]
    is_record = about.published is Published.HISTORY
    return about.grain is Grain.NIGHT and not about.carried and not is_record
