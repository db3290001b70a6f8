"""A night: from log files to what is believed, step by step. Each step reads the lake, calls one
function, writes the lake, and is not done again for the same inputs, settings and code."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from aggregation import backing, slots, training_set
from aggregation.believe import believe
from aggregation.evidence import Evidence
from aggregation.fleeing import Rates
from aggregation.verdicts import (
    NOT_AT_ALL,
    WELL,
    Verdict,
    of_failures,
    of_labels,
    of_pairs,
    of_rewrites,
)
from aggregation.verdicts import (
    table as trust_table,
)
from aggregation.votes import weights
from flows import detecting, figures, languages, launches, programs, reviewing, seed, trusting
from flows.erasure import cutoff, erase_old
from flows.prospects import changed, prospects
from flows.reach import code_of
from flows.settings import Settings, door_of
from mining import (
    broad_intents,
    defects,
    encoder,
    fixes,
    guards,
    lineage,
    meaning,
    oddities,
    pairs,
    rewrites,
    slot_answers,
    turns,
    variants,
)
from mining.door import FORGOTTEN
from mining.engine import Engine
from mining.heard import whole
from mining.neighbours import Search
from mining.rephrases import scoring
from mining.rephrases.log import Log
from mining.shape import changed as changed_shape
from retrain import brake, outbox, store
from retrain.trigger import TriggerConfig, decide
from warehouse import forgotten
from warehouse.home import Home, keep_once, read_training_set, training_versions
from warehouse.lake import Lake, typed
from warehouse.ledger import Ledger, digest, file_digest
from warehouse.publish import NEWEST, publish
from warehouse.tables import TABLES, Embeddings, Examples, ExampleVariants, Fallbacks, Runs

MOST_ITEMS = 2_000  # wordings for which one user may vote
PRIVATE = {"tell", "trainer", "notify"}  # settings that may hold addresses and secrets
MOST_PLACES = 5  # to which a chain is followed from each wording
Result = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """What every step of a night works with."""

    home: Home
    settings: Settings
    engine: Engine
    now: date  # by the clock, UTC
    seed_data: pl.DataFrame | None = None  # to be kept once the log is taken in
    until: date | None = None  # last day of which the log may have turns
    receivers: tuple[str, ...] = ()  # whom a decision to retrain is for
    odd: tuple[str, ...] = ()  # about the files of the log
    began: float = field(default_factory=time.perf_counter)

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home.root / "ledger")

    def window(self, table: str, day: str) -> list[str]:
        """The days of an event table that count on `day`."""
        first = date.fromisoformat(day) - timedelta(days=self.settings.mining.window_days - 1)
        return [d for d in self.lake.days(table) if first.isoformat() <= d <= day]

    def once(
        self,
        step: Callable[..., Result],
        inputs: object,
        work: Callable[[], Result],
        settings: Sequence[str] = ("mining",),
    ) -> Result:
        """The result of a step's `work`, done once for the same inputs, `settings` (sections) and code."""
        return self.ledger.once(step.__name__, self.key(step, inputs, settings), work)

    def key(self, step: Callable[..., Result], inputs: object, settings: Sequence[str]) -> str:
        asked = self.settings.model_dump(mode="json", include=set(settings))
        return digest(step.__name__, code_of(step), asked, inputs)

    def marks(self, day: str, *tables: str) -> list[Any]:
        """What tells whether these tables changed: events in the window, states of this day."""
        events = ("turns", "pairs", "robots", "rephrase_events")
        return [self.lake.mark(t, self.window(t, day) if t in events else [day]) for t in tables]


class Caller(Protocol):
    """How a step is called: directly, or as a Prefect task."""

    def __call__(self, step: Callable[..., Result], *args: Any) -> Result: ...


def directly(step: Callable[..., Result], *args: Any) -> Result:
    """A Caller that only calls."""
    return step(*args)


@dataclass(frozen=True)
class Outcome:
    """What a night came to."""

    night: str
    status: str
    intake: Result
    counts: dict[str, int]
    training_set: str | None = None
    retrain: bool = False
    because: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # what the log had to tell a rephrase from a change of mind
    told: tuple[dict[str, str], ...] = ()  # messages sent that retraining is due
    verdicts: tuple[dict[str, Any], ...] = ()  # subject, verdict, because
    noticed: tuple[str, ...] = ()  # what is odd about the log


def learn(night: Night, logs: list[Path], today: str, call: Caller) -> Outcome:
    """The steps of a night, in order. `today` names the night of a log that holds no turn."""
    intake = call(take_in, night, logs)
    erased = call(erase_old, night.home, night.settings, night.now)
    if intake["days"] or erased["turns"]:
        outcome = believe_night(night, intake, call)
    else:
        counts = call(publish_warehouse, night, today, intake)
        outcome = Outcome(today, "empty", intake, counts["views"])
    forgotten.settle(night.home)
    return outcome


def believe_night(night: Night, intake: Result, call: Caller) -> Outcome:
    """The steps after a log was taken in, or turns were erased.

    What is believed is believed as of the newest night of the lake, also where a missed night comes late.
    """
    day = night.lake.days("turns")[-1]
    scored = call(score_pairs, night, day)
    counted = call(count_wordings, night, day)
    if not counted["wordings"]:
        call(believe_nothing, night, day)
        noticed = about_rows(night, day)
        counts = call(publish_warehouse, night, day, intake, noticed)
        return Outcome(day, "empty", intake, counts["views"], noticed=tuple(noticed))
    embedded = call(embed_wordings, night, day)
    call(cluster_wordings, night, day, embedded["encoder"])
    judged = call(judge_turns, night, day)
    call(believe_labels, night, day, embedded["encoder"], judged["rates"])
    call(detect_changes, night, day)
    call(gather_figures, night, day, embedded["encoder"])
    built = call(build_training_set, night, day, judged["verdicts"])
    call(tell_launches, night, day, built["version"])
    decided = call(decide_retraining, night, day, built["version"])
    call(post_messages, night, day, built["version"], decided)
    noticed = [
        *(f"the log has another shape: {s}" for s in scored["shape"]),
        *about_rows(night, day),
        *outside(night, day, intake),
        *about_values(night, day, intake),
    ]
    counts = call(publish_warehouse, night, day, intake, noticed)
    return Outcome(
        day,
        "completed" if intake["days"] else "empty",
        intake,
        counts["views"] | built["counts"],
        built["version"],
        decided["retrain"],
        tuple(decided["because"]),
        tuple(scored["evidence"]),
        verdicts=tuple(built["verdicts"]),
        noticed=tuple(noticed),
    )


def about_rows(night: Night, day: str) -> list[str]:
    """What is odd about the files, and turns of the window that no person says."""
    aside = _robots(night, day)
    reasons = [
        f"{rows:,} for {reason.removeprefix('robots: ')}" for _, reason, rows in aside.iter_rows()
    ]
    robots = f"{aside['rows'].sum():,} turns are set aside, for no person speaks so: {', '.join(reasons)}"
    return [*night.odd, robots] if reasons else [*night.odd]


def outside(night: Night, day: str, intake: Result) -> list[str]:
    """That turns of the log that was given do not count, for they are older than the window."""
    counted = set(night.window("turns", day))
    older = [d for d in intake["days"] if d not in counted and d <= day]
    if not older:
        return []
    files = night.lake.files("turns", older)
    turns = pl.scan_parquet(files, hive_partitioning=False).select(pl.len()).collect().item()
    needed = (date.fromisoformat(day) - date.fromisoformat(older[0])).days + 1
    return [
        f"{turns:,} turns of {older[0]} to {older[-1]} lie outside the window of"
        f" {night.settings.mining.window_days} days and do not count; [mining] window_days = {needed} counts them"
    ]


def about_values(night: Night, day: str, intake: Result) -> list[str]:
    """What was dropped at the door, intents that seem to be none, and what else is odd about the turns."""
    dropped = [f"{rows:,} of {name}" for name, rows in intake["dropped"].items()]
    unread = (
        [f"values that could not be read were dropped: {', '.join(dropped)}"] if dropped else []
    )
    taught = set(seed.kept(night.home)["intent"])
    none = [broad_intents.told(name) for name in intake["fallbacks"] if name not in taught]
    turns = _newest_turns(night.lake, night.window("turns", day))
    return unread + none + (oddities.of_turns(turns) if turns.height else [])


def take_in(night: Night, logs: list[Path]) -> Result:
    """Read the log through the door; merge its turns and find pairs on the days that it touches."""
    lake, settings = night.lake, night.settings
    since = cutoff(lake, settings, night.now)

    def work() -> Result:
        door = replace(
            door_of(settings.log, night.home.salt()),
            until=night.until,
            assistant=settings.assistant,
            since=since,
            forgotten=forgotten.read(night.home).users,
        )
        out = lake.staging("door")
        try:
            turns.admit(night.engine, logs, door, out)
            admitted = turns.account(out, settings.log.most_broken)
            written = _merged(night, admitted) if admitted.days else []
        finally:
            shutil.rmtree(out)
        return {
            "days": admitted.days,
            "read": admitted.read,
            "kept": admitted.kept,
            "set_aside": admitted.rejects.height,
            "duplicates": admitted.duplicates,
            "dropped": admitted.dropped,
            "fallbacks": lake.newest("fallbacks")["intent"].to_list(),
            "forgotten": admitted.rejects.filter(reason=FORGOTTEN).height,
            "marks": _taken(lake, written),
            "written": written,
        }

    inputs = [[_content(f) for f in logs], str(night.until), str(since)]
    key = night.key(take_in, inputs, ("assistant", "log", "mining"))
    taken = night.ledger.once(
        "take_in", key, work, lambda known: known["marks"] == _taken(lake, known["written"])
    )
    if night.seed_data is not None:
        seed.keep(night.home, night.seed_data)
    return taken


def _content(log: Path) -> list[str]:
    """What tells whether a log changed; a database's write-ahead log is part of it."""
    ahead = log.with_name(f"{log.name}-wal")
    return [file_digest(f) for f in (log, ahead) if f.is_file()]


def _merged(night: Night, admitted: turns.Admitted) -> list[str]:
    """Put what was admitted into the lake; the days written."""
    lake, mining = night.lake, night.settings.mining
    written = turns.merge(
        night.engine, lake, admitted, mining.window_days, mining.session_gap_seconds
    )
    fallbacks = _fallbacks(night)
    written = _cleared(night, written, fallbacks)
    pairs.mine(night.engine, lake, written)
    lake.put("fallbacks", lake.days("turns")[-1], fallbacks.with_columns(cleared=True))
    last = admitted.days[-1]
    files = admitted.rejects["file"].unique().to_list()
    before = lake.read("rejects", [last]).filter(~pl.col("file").is_in(files))
    lake.put("rejects", last, pl.concat([before, admitted.rejects.cast(before.schema)]))
    return written


def _fallbacks(night: Night) -> pl.DataFrame:
    """The names under which nothing was understood, known before or found now; a name that the seed data has is an
    intent. They are kept as not cleared until turns and pairs are without them: a killed night clears all again."""
    lake = night.lake
    newest = lake.days("turns")[-1]
    taught = night.seed_data if night.seed_data is not None else seed.kept(night.home)
    shown = broad_intents.shown(_newest_turns(lake, night.window("turns", newest)))
    found = pl.concat(
        [lake.newest("fallbacks"), typed(Fallbacks, shown.with_columns(cleared=False))]
    )
    named = found.filter(~pl.col("intent").is_in(taught["intent"].to_list()))
    named = named.unique("intent", keep="first", maintain_order=True).sort("intent")
    lake.put("fallbacks", newest, named)
    return named


def _cleared(night: Night, written: list[str], fallbacks: pl.DataFrame) -> list[str]:
    """Take the names from the turns of the `written` days, and of the window where one is new; the days to be mined."""
    lake, names = night.lake, fallbacks["intent"].to_list()
    days = set(written)
    if not fallbacks["cleared"].all():
        days |= set(night.window("turns", lake.days("turns")[-1]))
    for day in sorted(days) if names else ():
        turns_of_day = lake.read("turns", [day])
        plain = broad_intents.without(turns_of_day, names)
        if not plain.equals(turns_of_day):
            lake.put("turns", day, plain)
    return sorted(days)


def _newest_turns(lake: Lake, days: list[str]) -> pl.DataFrame:
    """The newest turns of these days, LOOKED_AT at most: the same ones whatever order they lie in."""
    chosen: list[str] = []
    count = 0
    for day in sorted(days, reverse=True):
        chosen.append(day)
        count += lake.scan("turns", [day]).select(pl.len()).collect().item()
        if count >= broad_intents.LOOKED_AT:
            break
    needed = {*broad_intents.NEEDED, *oddities.NEEDED}
    rows = lake.scan("turns", chosen).select(sorted(needed)).collect()
    return rows.sort("at_ms", "turn_id").tail(broad_intents.LOOKED_AT)


def _taken(lake: Lake, days: list[str]) -> list[str]:
    """What tells whether the turns and pairs of these days were written since."""
    return [digest(lake.mark(table, days)) for table in ("turns", "pairs")]


def score_pairs(night: Night, day: str) -> Result:
    """Give every pair of the window its probability, told relative to the window."""

    def work() -> Result:
        lake = night.lake
        days = night.window("pairs", day)
        parts = [lake.read("pairs", [d]).with_columns(day=pl.lit(d)) for d in days]
        turns = night.engine.query("context", said_by_people(night, day))
        log = Log.of(turns)
        scored = scoring.score(pl.concat(parts), log)
        for d in days:
            lake.put("rephrase_events", d, scored.events.filter(pl.col("day") == d))
        lake.put("fits", day, scored.fits)
        lake.put("slot_answers", day, slot_answers.answering(log))
        return {
            "events": scored.events.height,
            "evidence": evidence_of(scored.fits),
            "shape": changed_shape(turns, scored.events),
        }

    return night.once(score_pairs, [day, night.marks(day, "turns", "pairs", "robots")], work)


def count_wordings(night: Night, day: str) -> Result:
    """Count what became of each wording, and follow the chains."""

    def work() -> Result:
        lake, engine = night.lake, night.engine
        people = said_by_people(night, day)
        told = engine.query("evidence", {"turns": people["turns"]})
        followed = engine.query("followed", {"rephrase_events": _events(night, day)})
        ends = engine.query("ends", {"followed": followed})
        heard = engine.query(
            "utterances",
            people | {"followed": followed},
            {"most_items": MOST_ITEMS, "intents": int(told["intent"].item() > 0)},
        )
        moves = engine.query("moves", people | {"ends": ends, "followed": followed})
        found = {
            "evidence": told,
            "wordings": engine.query("speakers", people)
            .filter(whole("utterance"))
            .sort("locale", "utterance"),
            "utterances": heard.sort("locale", "utterance", "intent"),
            "followed": followed.sort("source_turn_id"),
            "ends": ends.sort("turn_id"),
            "moves": moves.filter(whole("source", "target")).sort("locale", "source", "target"),
        }
        for table, rows in found.items():
            lake.put(table, day, rows)
        return {table: rows.height for table, rows in found.items()}

    return night.once(
        count_wordings, [day, night.marks(day, "turns", "robots", "rephrase_events")], work
    )


def judge_turns(night: Night, day: str) -> Result:
    """How probably each turn of the window failed its user, and which rewrites would serve them."""

    def work() -> Result:
        lake, engine = night.lake, night.engine
        days = night.window("turns", day)
        people = said_by_people(night, day)
        context = engine.query("context", people)
        events = lake.read("rephrase_events", night.window("rephrase_events", day))
        neighbours = lake.read("neighbours", [day])
        found = defects.defects(context, events, neighbours)
        for d in days:
            lake.put("defects", d, found.filter(pl.col("day") == d).sort("turn_id"))
        judged = defects.judge(found, lake.read("utterances", [day]), neighbours)
        people |= {"followed": lake.read("followed", [day])}
        chains = engine.query("chains", people, {"most": MOST_PLACES})
        moves = lake.read("moves", [day])
        heard = defects.heard_last(context)
        sure = rewrites.fitting(rewrites.rewrites(chains, judged.now()), moves, heard)
        rates, p_defect = judged.rates, found["p_defect"].to_numpy()
        told = (
            of_pairs(events["p_rephrase"].to_numpy(), evidence_of(lake.newest("fits"))),
            of_failures(p_defect, rates.right, rates.wrong),
        )
        if any(verdict.verdict != WELL for verdict in told):
            sure = sure.clear()
        proposed = reviewing.rewritten(lake, day, sure)
        followed_up = _followed_up(night, day, people, proposed, rates)
        running = fixes.rewrites(followed_up)
        lake.put("fixes", day, followed_up)
        lake.put("rewrites", day, running)
        alike = variants.bound(
            moves,
            neighbours,
            reviewing.accepted(lake, day),
            judged.served(),
        )
        backers = engine.query("backers", people | {"grouped": variants.groups(alike)})
        lake.put("variants", day, variants.with_users(alike, backers))
        lake.put("judged", day, judged.wordings)
        return {
            "rewrites": running.height,
            "variants": alike.height,
            "rates": [rates.right, rates.wrong],
            "verdicts": [asdict(v) for v in (*told, of_rewrites(running.height, *told))],
        }

    seen = ("turns", "robots", "followed", "utterances", "moves")
    marks = night.marks(day, *seen, "neighbours", "clusters", "verdicts", "reviews")
    earlier = night.lake.mark("fixes", _before(night, "fixes", day))
    return night.once(judge_turns, [day, marks, earlier], work)


def _followed_up(
    night: Night,
    day: str,
    people: dict[str, Any],
    proposed: pl.DataFrame,
    rates: defects.Rates,
) -> pl.DataFrame:
    """The fixes of the night."""
    known = night.lake.read("fixes", _before(night, "fixes", day))
    before = reviewing.rewritten(night.lake, day, known)
    named = pl.concat(rows.select("locale", "source") for rows in (before, proposed)).unique()
    arms = night.engine.query("arms", people | {"fixes": named})
    return fixes.follow(before, proposed, arms, rates, day)


def _before(night: Night, table: str, day: str) -> list[str]:
    """The last night before this one that the table has."""
    return [d for d in night.lake.days(table) if d < day][-1:]


def said_by_people(night: Night, day: str) -> dict[str, Any]:
    """The turns of the window, and what of them is set aside."""
    lake, days = night.lake, night.window("turns", day)
    return {"turns": lake.files("turns", days), "robots": pairs.robots(lake, days)}


def _events(night: Night, day: str) -> list[Path]:
    return night.lake.files("rephrase_events", night.window("rephrase_events", day))


def believe_nothing(night: Night, day: str) -> Result:
    """Of a window in which no person says anything, nothing is believed any more. What was decided by a
    person or by the arms stays for the nights to come."""
    told = set(NEWEST) - {"wordings", "gaps", "verdicts", "fixes"}
    for table in told:
        if day in night.lake.days(table):
            night.lake.put(table, day, TABLES[table].create_empty())
    aside = pl.concat([_set_aside(night.lake, day), _robots(night, day)])
    night.lake.put("withheld", day, aside)
    return {}


def embed_wordings(night: Night, day: str) -> Result:
    """Teach the encoder by the window's pairs, or load the one that is set; embed what is new."""
    before = _encoder_before(night, day)

    def work() -> Result:
        lake = night.lake
        wordings = lake.read("wordings", [day])
        model, version = _taught(night, day, wordings, before)
        elsewhere = [d for d in lake.days("embeddings") if d != day]
        others, here = (_stored(lake, version, days) for days in (elsewhere, [day]))
        kept = pl.concat(f.select("content", "vector") for f in (others, here)).unique("content")
        contents = pl.Series([digest(u) for u in wordings["utterance"]], dtype=pl.String)
        wanted = wordings.select("locale", "utterance", content=contents)
        fresh = wanted.join(kept, on="content", how="anti").unique("content").sort("content")
        made = pl.Series(encoder.embed(model, fresh["utterance"].to_list())).arr.to_list()
        known = pl.concat([kept, fresh.select("content", vector=made)])
        mine = wanted.join(others, on=["locale", "utterance"], how="anti")
        rows = mine.join(known, on="content").with_columns(encoder=pl.lit(version))
        lake.put("embeddings", day, rows.sort("locale", "utterance"))
        return {"wordings": wordings.height, "new": fresh.height, "encoder": version}

    inputs = [day, before, night.marks(day, "wordings", "rephrase_events", "moves")]
    return night.once(embed_wordings, inputs, work)


def _encoder_before(night: Night, day: str) -> str | None:
    """The newest encoder of an earlier night."""
    folders = sorted((night.home.root / "encoders").glob("[!.]*/modules.json"))
    return next((f.parent.name for f in reversed(folders) if f.parent.name[:10] < day), None)


def _taught(night: Night, day: str, wordings: pl.DataFrame, before: str | None) -> tuple[Any, str]:
    """The encoder of the night, and its version."""
    mining, lake = night.settings.mining, night.lake
    if mining.encoder and not mining.adapt:
        model = encoder.load(mining.encoder)
        return model, f"{Path(mining.encoder).name}-{encoder.fingerprint(model)}"
    events = lake.read("rephrase_events", night.window("rephrase_events", day))
    lessons = meaning.lessons(wordings, events, lake.read("moves", [day]))
    folder = night.home.root / "encoders"
    if mining.encoder:
        model = encoder.attend(encoder.load(mining.encoder), lessons, encoder.PRETRAINED)
    else:
        known = encoder.load(str(folder / before)) if before else None
        model = encoder.learn(lessons, known)
    version = f"{day}-{encoder.fingerprint(model)}"
    keep_once(folder / version, partial(encoder.save, model))
    return model, version


def _stored(lake: Lake, version: str, days: list[str]) -> pl.DataFrame:
    """The vectors that an encoder made on these nights; files of other encoders are passed over."""
    files = lake.files("embeddings", days)
    if not files:
        return Embeddings.create_empty()
    rows = pl.scan_parquet(files, hive_partitioning=False)
    return rows.filter(pl.col("encoder") == version).collect()


def _vectors(night: Night, version: str, wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, vector` of wordings (`locale, utterance`): those of the lake, and of seed data, which
    nobody said, those that the encoder makes now."""
    stored = _stored(night.lake, version, night.lake.days("embeddings"))
    known = stored.select("utterance", "vector").unique("utterance")
    missing = wordings.join(known, on="utterance", how="anti").unique("utterance").sort("utterance")
    if missing.height:
        named = night.settings.mining.encoder
        model = encoder.load(
            named
            if named and not night.settings.mining.adapt
            else str(night.home.root / "encoders" / version)
        )
        made = pl.Series(encoder.embed(model, missing["utterance"].to_list())).arr.to_list()
        fresh = missing.select("utterance", vector=made)
        known = pl.concat([known, fresh.cast(known.schema)])
    found = wordings.join(known, on="utterance").cast({"vector": pl.List(pl.Float32)})
    return found.select("locale", "utterance", "vector").sort("locale", "utterance")


def cluster_wordings(night: Night, day: str, version: str) -> Result:
    """Find each wording's neighbours, and the clusters; they keep the names of the night before."""
    lake = night.lake
    earlier = _before(night, "clusters", day)

    def work() -> Result:
        mining = night.settings.mining
        wordings = lake.read("wordings", [day]).sort("locale", "utterance")
        vectors = wordings.join(
            _stored(lake, version, lake.days("embeddings")),
            on=["locale", "utterance"],
            maintain_order="left",
        )["vector"]
        log = meaning.Log(
            lake.read("utterances", [day]),
            lake.read("moves", [day]),
            guards.slot_values(lake.files("turns", night.window("turns", day))),
            lake.read("clusters", earlier),
        )
        found = meaning.group(
            wordings,
            vectors.list.to_array(len(vectors[0])).to_numpy(),
            log,
            Search(threshold=mining.similar, floor=mining.recall),
            across=mining.across_locales,
        )
        clusters, events = lineage.inherit(found.clusters, log.before, night.home.salt(), day)
        names = clusters.select("community", "cluster_id").unique()
        verdicts = lineage.follow(
            lake.read("verdicts", earlier), lake.read("verdicts", [day]), events
        )
        for table, rows in {
            "neighbours": found.neighbours,
            "searches": found.searches,
            "clusters": clusters.sort("locale", "utterance"),
            "memberships": found.memberships.join(names, on="community"),
            "lineage": events,
            "verdicts": verdicts,
            "reviews": reviewing.joined(lake.read("reviews", earlier), lake.read("reviews", [day])),
        }.items():
            lake.put(table, day, rows)
        return {
            "clusters": clusters["cluster_id"].n_unique(),
            "recall": float(found.searches["recall"].min()),  # type: ignore[arg-type]
        }

    marks = night.marks(day, "wordings", "utterances", "moves", "turns")
    inputs = [
        day,
        version,
        marks,
        [lake.mark(t, earlier) for t in ("clusters", "verdicts", "reviews")],
    ]
    return night.once(cluster_wordings, inputs, work)


def believe_labels(night: Night, day: str, version: str, rates: list[float]) -> Result:
    """Votes, and what is believed of each wording, with the users behind its cluster and label. `rates` of coming back
    after right turns and after wrong ones."""

    def work() -> Result:
        lake, engine = night.lake, night.engine
        people = said_by_people(night, day)
        followed = {"followed": lake.read("followed", [day])}
        answers = lake.read("slot_answers", [day])
        told = lake.read("evidence", [day])
        cast_votes = engine.query(
            "votes",
            people | followed | {"ends": lake.read("ends", [day]), "answers": answers},
            {"most_items": MOST_ITEMS, "intents": int(told["intent"].item() > 0)},
        ).sort("locale", "utterance", "label", "kind", "via", "user_id")
        spoken = wished(lake.read("wordings", [day]), answers)
        known = seed.kept(night.home)
        key = ["locale", "utterance"]
        near, taught = lake.read("neighbours", [day]), seed.taught(known)
        asked = pl.concat([spoken.select(key), taught.select(key)]).unique()
        found = believe(
            Evidence(
                cast_votes.join(spoken, on=key, how="semi"),
                day,
                lake.read("utterances", [day]).join(spoken, on=key, how="semi"),
                near,
                taught,
                _vectors(night, version, asked),
                languages.read_as(night.settings, asked),
                across=bool(night.settings.mining.encoder),
                rates=Rates(*rates),
            )
        )
        clusters = reviewing.accepted(lake, day)
        grouped = backing.groups(found.labels, clusters, near)
        backers = engine.query("backers", people | {"grouped": grouped})
        rows = backing.with_users(found.labels, clusters, backers).join(
            weights(cast_votes), on=[*key, "label"], how="left"
        )
        rows = reviewing.labelled(lake, day, rows.with_columns(pl.col("votes").fill_null(0.0)))
        lake.put("votes", day, cast_votes)
        lake.put("reliability", day, found.reliability)
        lake.put("borrowed", day, found.borrowed)
        lake.put("moved", day, found.moved)
        lake.put("calibration", day, found.calibration)
        lake.put("soft_labels", day, rows.sort("locale", "utterance", "label"))
        return {"votes": cast_votes.height, "soft_labels": rows.height}

    seen = ("turns", "robots", "utterances", "followed", "ends", "clusters", "neighbours")
    marks = night.marks(day, *seen, "slot_answers", "verdicts", "reviews")
    known = [digest_of(night.home.seed_data), languages.files(night.settings)]
    return night.once(believe_labels, [day, version, marks, known], work, ("mining", "languages"))


def wished(wordings: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The wordings without those that are mostly said in answer to a question."""
    key = ["locale", "utterance"]
    often = answers.group_by(key).agg(answers=pl.len())
    asked = wordings.join(often, on=key, how="left").filter(
        pl.col("answers").fill_null(0) * 2 >= pl.col("turns")
    )
    return wordings.join(asked, on=key, how="anti")


def detect_changes(night: Night, day: str) -> Result:
    """What rises, falls or is new in what people say, and what may be a new intent."""
    lake, days = night.lake, night.window("turns", day)
    before = _before(night, "changes", day)

    def work() -> Result:
        defects = {"defects": lake.files("defects", days)}
        people = said_by_people(night, day) | defects
        earlier = people | {"turns": lake.files("turns", detecting.earlier(days, day))}
        return detecting.detect(detecting.Tonight(lake, night.engine, day, people, earlier, before))

    seen = ("turns", "robots", "wordings", "clusters", "soft_labels", "moves", "ends")
    marks = [night.marks(day, *seen), lake.mark("defects", days)]
    known = [lake.mark(table, before) for table in ("changes", "candidates", "candidate_members")]
    return night.once(detect_changes, [day, marks, known], work)


def gather_figures(night: Night, day: str, version: str) -> Result:
    """What analysts alone ask for: figures by intent, wordings as they may be published, a map."""

    def work() -> Result:
        lake, days = night.lake, night.window("defects", day)
        people = said_by_people(night, day) | {"defects": lake.files("defects", days)}
        vectors = _stored(lake, version, lake.days("embeddings"))
        return figures.gather(night.home, night.settings, night.engine, people, vectors, day)

    seen = (
        "turns",
        "robots",
        "wordings",
        "followed",
        "ends",
        "clusters",
        "soft_labels",
        "fixes",
    )
    asked = ("mining", "floors", "privacy")
    return night.once(gather_figures, [day, version, night.marks(day, *seen)], work, asked)


def build_training_set(night: Night, day: str, verdicts: list[Result]) -> Result:
    """The immutable training set of what is believed; empty where the log cannot tell labels. `verdicts` are those of
    pairs, failures and rewrites."""
    seen = ("soft_labels", "votes", "robots", "moves", "followed", "turns", "judged", "calibration")
    marks = night.marks(day, *seen, "slot_answers")

    def work() -> Result:
        lake, home = night.lake, night.home
        floors = training_set.Floors(users=night.settings.floors.training)
        labels = lake.read("soft_labels", [day])
        followed = {"followed": lake.read("followed", [day])}
        filled = night.engine.query("filled", said_by_people(night, day) | followed)
        built = training_set.build(
            training_set.Believed(
                labels,
                lake.read("votes", [day]),
                slots.project(training_set.best(labels), filled, lake.read("moves", [day])),
                lake.read("wordings", [day]),
                reviewing.by_person(lake, day),
            ),
            floors,
        )
        told = {v["subject"]: Verdict(**v) for v in verdicts}
        labelled = trusting.labelled(lake, day, built.examples)
        told["labels"] = of_labels(labelled, told["pairs"], told["failures"])
        lake.put("trust", day, trust_table(told.values()))
        if told["labels"].verdict == NOT_AT_ALL:
            built = training_set.emptied(built, told["labels"].because)
        made = languages.variants(night.settings, training_set.sure(built.examples))
        built = training_set.varied(built, made, lake.read("wordings", [day]))
        content = training_set.content_hash(built)
        number = night.ledger.number("training_set", f"{day}-{content}")
        version = f"{day}-{number:04}-{content}"
        earlier = [v for v in training_versions(home) if v < version][-1:]
        before = read_training_set(home, earlier[0]) if earlier else None
        changed = training_set.change(built.examples, before)
        settings = night.settings.model_dump_json(indent=1, exclude_none=True, exclude=PRIVATE)
        last = earlier[0] if earlier else None
        card = training_set.card(version, built, changed, last, settings)
        _keep_training_set(home, version, built, card)
        row = {
            "version": version,
            "night": day,
            "examples": built.examples.height,
            "believed_weight": round(float(built.examples["weight"].sum()), 6),
            "fresh": changed.new + changed.turned,
        }
        lake.put("training_sets", day, pl.DataFrame([row]))
        lake.put(
            "withheld",
            day,
            pl.concat(
                [
                    _set_aside(lake, day),
                    _robots(night, day),
                    _cut(night, day),
                    _answers(lake, day),
                    _unlabelled(lake, day),
                    built.withheld,
                ]
            ),
        )
        return {
            "version": version,
            "counts": {"examples": built.examples.height},
            "verdicts": [asdict(v) for v in told.values()],
        }

    inputs = [day, marks, languages.files(night.settings), verdicts]
    shown = sorted(Settings.model_fields.keys() - PRIVATE)  # the card tells them all
    return night.once(build_training_set, inputs, work, shown)


def tell_launches(night: Night, day: str, version: str) -> Result:
    """How each locale goes since its launch, and how much of what failed could be mended by now."""
    lake = night.lake

    def work() -> Result:
        said = said_by_people(night, day) | {
            "defects": lake.files("defects", night.window("defects", day))
        }
        return launches.gather(night.home, night.settings, night.engine, said, day, version)

    earlier = [d for d in lake.days("launches") if d < day]
    every = [d for d in lake.days("turns") if d <= day]
    marks = [
        lake.mark("turns", every),
        lake.mark("launches", earlier),
        digest_of(night.home.seed_data),
    ]
    seen = night.marks(day, "robots", "wordings", "soft_labels", "utterances", "neighbours")
    return night.once(tell_launches, [day, version, marks, seen], work, ("mining", "floors"))


def decide_retraining(night: Night, day: str, version: str) -> Result:
    """Whether retraining pays, and why."""
    champion, brakes = store.champion(night.home), brake.read(night.home)

    def work() -> Result:
        days, program = len(night.window("turns", day)), programs.trainer(night.settings)
        config = TriggerConfig(**night.settings.trigger.model_dump())
        known = prospects(night.home, day, days, version, program)
        told = changed(night.lake, day, night.settings.floors.published)
        decision = decide(replace(known, drift=(*known.drift, *told)), config)
        stopped = brakes.against(version)
        because = [stopped, *decision.because] if stopped else list(decision.because)
        verdict = {"retrain": decision.retrain and not stopped, "because": because}
        row = {"night": day, "version": version, **verdict}
        night.lake.put("decisions", day, pl.DataFrame([row]))
        return verdict

    marks = night.marks(day, "changes", "candidates")
    inputs = [day, version, champion, str(brakes), marks]
    asked = ("mining", "floors", "trigger", "trainer")
    return night.once(decide_retraining, inputs, work, asked)


def post_messages(night: Night, day: str, version: str, decided: Result) -> Result:
    """Leave a message for each receiver, where retraining is due; they are sent once the night is over."""
    names = night.receivers if decided["retrain"] else ()
    return {"waiting": outbox.post(night.home, day, version, decided["because"], names)}


def publish_warehouse(
    night: Night, day: str, intake: Result, noticed: Sequence[str] = ()
) -> Result:
    """Record the run with what was `noticed`, and replace the published warehouse."""
    lake, privacy = night.lake, night.settings.privacy
    files = lake.files("turns", night.window("turns", day))
    said = sum(pl.scan_parquet(f).select(pl.len()).collect().item() for f in files)
    of = intake["days"][-1] if intake["days"] else day
    repeated = f"{intake['duplicates']} rows repeat a turn" if intake["duplicates"] else None
    run = {
        "evidence": evidence_of(lake.newest("fits")),
        **trusting.columns(lake.newest("trust", day)),
        "epsilon": privacy.epsilon,
        "delta": privacy.delta if privacy.epsilon else None,
        "recall": lake.newest("searches")["recall"].min(),
        "night": of,
        "status": "completed" if intake["days"] else "empty",
        "engine": night.engine.name,
        **{name: intake[name] for name in ("read", "kept", "set_aside")},
        "forgotten": intake["forgotten"],
        "turns": said,
        "message": "; ".join(m for m in (repeated, *noticed) if m) or None
        if intake["days"]
        else "the log holds no turn",
        "seconds": round(time.perf_counter() - night.began, 3),
    }
    if intake["days"] or of not in lake.days("runs"):
        types = {"message": pl.String(), "evidence": pl.List(pl.String()), "recall": pl.Float64()}
        types |= {"epsilon": pl.Float64(), "delta": pl.Float64()}
        types |= dict.fromkeys(trusting.COLUMNS, pl.String())
        lake.put("runs", of, pl.DataFrame([run], schema_overrides=types))
    if intake["days"]:
        lake.put("funnel", day, figures.funnel(lake, day, intake, said))
    return {"views": publish(night.home, lake, night.settings.floors.published)}


def record_failure(lake: Lake, day: str, message: str) -> None:
    """A row of `runs` for a night that failed, beside the run that went well, if there was one."""
    run = {"night": day, "status": "failed", "engine": None, "read": 0, "kept": 0, "set_aside": 0}
    rest = {
        "forgotten": 0,
        "turns": 0,
        "message": message,
        "seconds": None,
        "evidence": [],
        "recall": None,
    }
    rest |= {"epsilon": None, "delta": None} | dict.fromkeys(trusting.COLUMNS)
    before = lake.read("runs", [day]).filter(pl.col("status") != "failed")
    lake.put("runs", day, pl.concat([before, typed(Runs, pl.DataFrame([run | rest]))]))


def evidence_of(fits: pl.DataFrame) -> list[str]:
    """What the log had to tell a rephrase from a change of mind."""
    return fits["evidence"].to_list()[0] if fits.height else []


def digest_of(path: Path) -> str | None:
    return file_digest(path) if path.is_file() else None


def _set_aside(lake: Lake, day: str) -> pl.DataFrame:
    return (
        lake.read("rejects", [day])
        .group_by(reason=pl.col("field") + " " + pl.col("reason"))
        .agg(rows=pl.len().cast(pl.Int64))
        .select(pl.lit("door").alias("stage"), "reason", "rows")
        .sort("reason")
    )


def _robots(night: Night, day: str) -> pl.DataFrame:
    """Turns of the window that no person says, by the reason."""
    aside = pairs.robots(night.lake, night.window("robots", day))
    return (
        aside.group_by(reason=pl.lit("robots: ") + pl.col("reason").cast(pl.String))
        .agg(rows=pl.col("turns").sum())
        .select(pl.lit("mining").alias("stage"), "reason", "rows")
        .sort("reason")
    )


def _cut(night: Night, day: str) -> pl.DataFrame:
    """Turns of the window whose text was too long to be a wording."""
    turns = night.lake.scan("turns", night.window("turns", day)).filter(~whole("utterance"))
    rows = turns.select(pl.len()).collect().item()
    row = {"stage": "mining", "reason": "pasted texts, cut", "rows": rows}
    return pl.DataFrame([row]).filter(pl.col("rows") > 0)


def _answers(lake: Lake, day: str) -> pl.DataFrame:
    """Turns that say nothing of their own wording."""
    row = {
        "stage": "labels",
        "reason": "answers to a question",
        "rows": lake.read("slot_answers", [day]).height,
    }
    return pl.DataFrame([row]).filter(pl.col("rows") > 0)


def _unlabelled(lake: Lake, day: str) -> pl.DataFrame:
    """Wordings for which there is no label at all."""
    labelled = lake.read("soft_labels", [day])
    none = (
        lake.read("wordings", [day]).join(labelled, on=["locale", "utterance"], how="anti").height
    )
    row = {"stage": "labels", "reason": "no hypothesis and no seed data", "rows": none}
    return pl.DataFrame([row]).filter(pl.col("rows") > 0)


def _keep_training_set(
    home: Home, version: str, built: training_set.TrainingSet, card: str
) -> None:
    checked = Examples.validate(typed(Examples, built.examples))
    made = ExampleVariants.validate(typed(ExampleVariants, built.variants))

    def fill(draft: Path) -> None:
        checked.write_parquet(draft / "examples.parquet")
        if made.height:
            made.write_parquet(draft / "variants.parquet")
        (draft / "card.md").write_text(card)

    keep_once(home.training_sets / version, fill)
