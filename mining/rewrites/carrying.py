"""Rewrites that carry values: "play X" for "put on X", where users went that way with other values.

A form is a wording with the names of its slots in place of their values; a frame is an intent with the names of its slots. Users
who went from "put on jazz" to "play jazz" went from a form to a frame. Where they did so with values enough, another wording of the
form, with a value of its own, may be rewritten to one that the assistant serves in the frame with that very value (slot carryover,
Naik et al. 2018, arXiv 1806.01773, applied to wordings).

Notation and constants: docs/method.md, 7.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

import polars as pl

from mining.rewrites.proposals import KEPT, WAY, gains
from warehouse.common.tokens import Span, tokens

# Set by hand, to bound the work: slots of a form, tokens of a value, and of a wording, whose forms take the square of what it holds.
MOST_SLOTS, MOST_TOKENS, LONGEST = 2, 12, 60
PROPOSED = dict.fromkeys(WAY, pl.String()) | {
    "p_same": pl.Float64(),
    "users": pl.Int64(),
    "occurrences": pl.Int64(),
    "carried_values": pl.Int64(),
    "served": pl.Float64(),
    "alone": pl.Float64(),
    "executed": pl.Float64(),
}

Said = tuple[str, str]  # locale, wording
Values = tuple[tuple[str, str], ...]  # names and values
Form = tuple[str, ...]  # what stands before, between and behind the slots, and their names
Frame = tuple[str, ...]  # an intent, and the names of its slots
Known = Mapping[str, frozenset[str]]  # names of the slots that a value, in lower case, fills


def form(wording: str, values: Values) -> Form | None:
    """The form of a wording that holds these values, each once and as whole tokens; None of one that does not, or is nothing else."""
    places = []
    for name, value in values:
        place = _place(wording, value)
        if place is None:
            return None
        places.append((place, name))
    made = _formed(wording, sorted(places))
    return made[0] if made else None


def forms(wording: str, known: Known) -> Iterator[tuple[Form, Values]]:
    """The forms that a wording has by the values that are known, each with its values; none of a very long one."""
    spans = tokens(wording)
    if len(spans) > LONGEST:
        return
    found = [
        ((start, end), name)
        for first, (start, _) in enumerate(spans)
        for _, end in spans[first : first + MOST_TOKENS]
        for name in sorted(known.get(wording[start:end].lower(), ()))
    ]
    for size in range(1, MOST_SLOTS + 1):
        for places in combinations(found, size):
            if made := _formed(wording, places):
                yield made


def filled(of: Form, values: Values) -> str:
    """The wording of a form with these values.

    >>> filled(("put on ", " now", "song"), (("song", "jazz"),))
    'put on jazz now'
    """
    parts, names = of[: len(values) + 1], of[len(values) + 1 :]
    told = dict(values)
    said = (part + told[name] for part, name in zip(parts, names, strict=False))
    return "".join([*said, parts[-1]])


def _formed(wording: str, places: Iterable[tuple[Span, str]]) -> tuple[Form, Values] | None:
    parts, values, at = [], [], 0
    for (start, end), name in places:
        if start < at:
            return None
        parts.append(wording[at:start])
        values.append((name, wording[start:end]))
        at = end
    parts.append(wording[at:])
    names = [name for name, _ in values]
    if not 1 <= len(set(names)) == len(names) <= MOST_SLOTS or not "".join(parts).strip():
        return None
    return (*parts, *names), tuple(values)


def _place(wording: str, value: str) -> Span | None:
    """Where a value stands as whole tokens, letter case apart; None where it does not, or more than once."""
    text, sought = wording.lower(), value.lower()
    if not sought or len(text) != len(wording) or text.count(sought) != 1:
        return None
    spans = tokens(wording)
    start = text.index(sought)
    end = start + len(sought)
    whole = any(start == first for first, _ in spans) and any(end == last for _, last in spans)
    return (start, end) if whole else None


class Heard(NamedTuple):
    """What a night knows of wordings, by locale and wording: the intent and values heard last in those that were executed, and how
    they are taken now: the share of turns that are `executed`, and of `right` ones."""

    last: dict[Said, tuple[str, Values]]
    executed: dict[Said, float]
    right: dict[Said, float]

    @staticmethod
    def of(heard: pl.DataFrame, now: pl.DataFrame) -> "Heard":
        """Of the SQL file `heard_last`, and the judged wordings as they are taken now."""
        last = {
            (locale, wording): (intent, _values(slots))
            for locale, wording, intent, slots in heard.iter_rows()
        }
        keys = list(now.select("locale", "utterance").iter_rows())
        executed, right = (dict(zip(keys, now[c], strict=True)) for c in ("executed", "right"))
        return Heard(last, executed, right)

    def known(self) -> dict[str, dict[str, frozenset[str]]]:
        """By locale, of each value the slots that hold it."""
        names: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for (locale, _), (_, values) in self.last.items():
            for name, value in values:
                names[locale][value].add(name)
        return {of: {v: frozenset(n) for v, n in held.items()} for of, held in names.items()}


class Way(NamedTuple):
    """From a form to a frame, as users went: with which values, how many users, what share of those who left the form anywhere
    (smoothed by one more who did), that both say the same, and at which forms they ended, those of most users first."""

    values: frozenset[Values]
    users: int
    share: float
    p_same: float
    ends: tuple[Form, ...]


Ways = dict[tuple[str, Form], dict[Frame, Way]]


def proposed(chains: pl.DataFrame, moves: pl.DataFrame, heard: Heard, k: int) -> pl.DataFrame:
    """The rewrites that may go live, as `proposals.judged` has them, the best of each wording, with how many `carried_values`
    went the way before: `k` or more."""
    ranked = gains(_candidates(chains, moves, heard, k)).filter(pl.col("gain") > 0)
    ranked = ranked.sort(
        "locale", "source", "gain", "target", descending=[False, False, True, False]
    )
    best = ranked.unique(["locale", "source"], keep="first", maintain_order=True)
    about = ["p_better", "users", "occurrences", "p_same", "success"]
    return best.select(*WAY, *about, "carried_values", success_alone="alone")


def _candidates(chains: pl.DataFrame, moves: pl.DataFrame, heard: Heard, k: int) -> pl.DataFrame:
    """A row a wording and a way that leads from its form to a frame that serves it, as `gains` takes it."""
    gone = {
        of: often
        for of, ends in ways(chains, moves, heard).items()
        if (often := {frame: way for frame, way in ends.items() if len(way.values) >= k})
    }
    known, rows = heard.known(), []
    locales = {locale for locale, _ in gone}
    for (locale, wording), alone in sorted(heard.right.items()):
        for of, values in forms(wording, known.get(locale, {})) if locale in locales else ():
            for frame, way in gone.get((locale, of), {}).items():
                others = len(way.values - {_folded(values)})
                target = _end(heard, (locale, frame), way.ends, values) if others >= k else None
                if target is not None and target != wording:
                    about = (way.p_same * way.share, way.users, way.users, others)
                    shares = (heard.right[locale, target], alone, heard.executed[locale, wording])
                    rows.append((locale, wording, target, *about, *shares))
    return pl.DataFrame(rows, PROPOSED, orient="row")


def _end(heard: Heard, of: tuple[str, Frame], ends: Iterable[Form], values: Values) -> str | None:
    """The wording of these values in the form at which most users ended, of those that the assistant executes so. One that nobody said yet
    may be understood otherwise."""
    locale, frame = of
    for to in ends:
        wording = filled(to, values)
        said = (locale, wording)
        intent, there = heard.last.get(said, ("", ()))
        same = (_frame(intent, there), there) == (frame, _folded(values))
        if same and heard.executed.get(said, 0.0) > 0:
            return wording
    return None


def ways(chains: pl.DataFrame, moves: pl.DataFrame, heard: Heard) -> Ways:
    """The ways from forms to frames that users went themselves, and stayed with where they ended."""
    went = moves.filter(pl.col("p_kept") >= KEPT).select(*WAY)
    rows = chains.filter(pl.col("users") > 0).join(went, on=WAY).sort(WAY)
    gone: dict[tuple[str, Form], dict[Frame, list[Move]]] = {}
    for locale, source, target, users, p_same in rows.select(*WAY, "users", "p_same").iter_rows():
        intent, values = heard.last.get((locale, target), ("", ()))
        of, to = form(source, values), form(target, values)
        if of is not None and to is not None:
            ends = gone.setdefault((locale, of), {}).setdefault(_frame(intent, values), [])
            ends.append(Move(values, users, p_same, to))
    return {of: _ways(ends) for of, ends in gone.items()}


class Move(NamedTuple):
    """Users who went from a form to a frame with some values: how many, that both say the same, and in which form they ended."""

    values: Values
    users: int
    p_same: float
    to: Form


def _ways(ends: dict[Frame, list[Move]]) -> dict[Frame, Way]:
    leaving = sum(move.users for moves in ends.values() for move in moves)
    found = {}
    for frame, moves in ends.items():
        to = Counter[Form]()
        for move in moves:
            to[move.to] += move.users
        users = to.total()
        same = sum(move.users * move.p_same for move in moves) / users
        values = frozenset(move.values for move in moves)
        ranked = tuple(sorted(to, key=lambda form_: (-to[form_], form_)))
        found[frame] = Way(values, users, users / (leaving + 1), same, ranked)
    return found


def _frame(intent: str, values: Values) -> Frame:
    return (intent, *(name for name, _ in values))


def _values(slots: list[dict[str, str]] | None) -> Values:
    """Names and values of slots, in lower case."""
    told = ((slot["name"], slot["value"]) for slot in slots or [])
    return _folded((name, value) for name, value in told if name and value)


def _folded(values: Iterable[tuple[str, str]]) -> Values:
    return tuple(sorted((name, value.lower()) for name, value in values))
