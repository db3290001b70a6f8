"""Shapes of logs: what people do with an assistant, and what it writes down, after the ways in which real
logs differ (commands of one turn, dialogues that go forward, chats without intents, searches)."""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from warehouse.errors import BadInput

# What somebody does who was failed and does not give up.
MANNERS = ("retry", "reword", "fragment", "correct", "reject", "other words")
REPAIRS = ("sorry", "ask again", "drift")  # what an assistant says that understood nothing
SMALL_TALK = ("greet", "goodbye", "affirm", "deny")  # hypotheses of what is no wish


@dataclass(frozen=True)
class Shape:
    """Shares (0 to 1) unless told otherwise.

    `tasks` is the mean number of things wanted in a session. Of people: who `greets`, who `closes`; who leaves
    a value out until `asks`; `notices` a wrong answer; says it `again`, and how (`manners`, shares of MANNERS);
    else goes on with something else (`changes`) or leaves. After what went well: the same with another
    value (`siblings`), what this intent is a habit before (`habit`), or the very same (`repeats`), because it
    is wanted twice. Who says it again may speak of something else in between (`detours`); `noise` is no wish at all. `spoils` is the share of words that are misheard or mistyped, `garbled` that of turns of which
    hardly a word is left.

    Of the assistant: it asks whether it heard well (`confirms`), `hears` the values of what it understands, `understands` an
    answer to its question, repairs in
    one way or another (`repairs`, shares of REPAIRS), tells values in its answers (`tells`) and names that nobody said
    (`finds`). In chat: `bad` answers, answers that take up words (`echoes`) or are given twice running (`stuck`), `chatter`
    of people, texts that they paste (`pasted`), `follow_ups` on the same subject, `remarks` that take up words of what
    was said last. In search: the share of queries that a click ends (`clicks`).

    Of what is no wish, it takes the share `knows_talk` of phrases for what they are: nobody minds the others.

    Of the log: the fields that it `lacks`, and whether `small_talk` has intents of its own. `pace` multiplies
    pauses; their spread is `unsteady` (of the logarithm).
    """

    kind: str
    tasks: float = 3.0
    greets: float = 0.2
    closes: float = 0.4
    asks: float = 0.3
    notices: float = 0.85
    again: float = 0.5
    manners: tuple[float, ...] = (0.1, 0.35, 0.2, 0.15, 0.1, 0.1)
    changes: float = 0.7
    siblings: float = 0.15
    habit: float = 0.3
    repeats: float = 0.03
    spoils: float = 0.05
    garbled: float = 0.02
    confirms: float = 0.15
    understands: float = 0.9
    repairs: tuple[float, ...] = (0.6, 0.25, 0.15)
    tells: float = 0.8
    finds: float = 0.3
    bad: float = 0.35
    echoes: float = 0.5
    stuck: float = 0.03
    chatter: float = 0.4
    pasted: float = 0.0
    follow_ups: float = 0.3
    remarks: float = 0.0
    detours: float = 0.1
    noise: float = 0.03
    hears: float = 0.93
    clicks: float = 0.6
    lacks: frozenset[str] = field(default_factory=frozenset)
    small_talk: bool = True
    knows_talk: float = 0.9
    channel: str = "text"
    pace: float = 1.0
    unsteady: float = 0.5


COMMAND = Shape("command")
DIALOGUE = Shape(
    "dialogue",
    tasks=4.0,
    again=0.65,
    manners=(0.1, 0.3, 0.2, 0.15, 0.1, 0.15),
    siblings=0.22,
    repeats=0.05,
    lacks=frozenset({"outcome", "interrupted", "feedback"}),
)
CHAT = Shape(
    "chat",
    tasks=6.0,
    again=0.25,
    spoils=0.02,
    garbled=0.0,
    pasted=0.08,
    remarks=0.4,
    detours=0.2,
    pace=4.0,
    unsteady=0.9,
    manners=(0.25, 0.35, 0.1, 0.15, 0.05, 0.1),
    lacks=frozenset({"intent", "slots", "confidence", "n_best", "interrupted", "outcome"}),
)
SEARCH = Shape(
    "search",
    tasks=1.3,
    again=0.45,
    spoils=0.03,
    garbled=0.0,
    pace=12.0,
    unsteady=1.0,
    manners=(0.05, 0.5, 0.3, 0.0, 0.0, 0.15),
    lacks=frozenset(
        {"intent", "slots", "confidence", "n_best", "response", "interrupted", "feedback"}
    ),
)
SHAPES = {s.kind: s for s in (COMMAND, DIALOGUE, CHAT, SEARCH)}
SPREAD = 0.6  # of log odds, of the shares of worlds of one kind
MIXED = {"command": 0.55, "dialogue": 0.3, "chat": 0.1, "search": 0.05}  # shares of sessions


def mixture(name: str) -> dict[Shape, float]:
    """The shapes of a world's sessions, with their shares."""
    if name == "mixed":
        return {SHAPES[kind]: share for kind, share in MIXED.items()}
    if name not in SHAPES:
        raise BadInput(f"--shape {name}: is not known; known: {', '.join([*SHAPES, 'mixed'])}")
    return {SHAPES[name]: 1.0}


def varied(shape: Shape, rng: np.random.Generator) -> Shape:
    """Another world of the same kind: each share moved on the scale of log odds, each list of shares drawn around what it
    is, fields lacking at random. So that nothing can be learned from the numbers of one world."""
    drawn: dict[str, object] = {}
    for each in fields(shape):
        value = getattr(shape, each.name)
        if each.name == "knows_talk":
            continue
        if each.name in ("tasks", "pace", "unsteady"):
            drawn[each.name] = float(value * rng.lognormal(0.0, 0.35))
        elif isinstance(value, float):
            odds = np.log((value + 0.01) / (1.01 - value)) + rng.normal(0.0, SPREAD)
            drawn[each.name] = float(np.clip(1 / (1 + np.exp(-odds)), 0.0, 0.97)) if value else 0.0
        elif isinstance(value, tuple):
            shares = rng.dirichlet(np.maximum(np.array(value), 0.02) * 6)
            drawn[each.name] = tuple(float(v) for v in shares)
    droppable = [n for n in ("response", "confidence", "n_best", "slots") if n not in shape.lacks]
    lacking = {n for n in droppable if rng.random() < 0.12}
    if shape.kind != "chat" and "intent" not in shape.lacks and rng.random() < 0.12:
        lacking |= {"intent", "slots", "confidence", "n_best"}
    if shape.kind == "dialogue" and rng.random() < 0.2:
        lacking -= {"outcome"}
    if spoken := shape.kind == "dialogue" and rng.random() < 0.5:
        drawn["spoils"] = float(rng.uniform(0.02, 0.2))
        drawn["garbled"] = float(rng.uniform(0.0, 0.5))
    if shape.kind == "chat":
        drawn["echoes"] = float(rng.uniform(0.0, 0.9))
    return replace(
        shape,
        **drawn,  # type: ignore[arg-type]
        lacks=shape.lacks | lacking,
        knows_talk=float(rng.uniform(0.0, 1.0)),
        small_talk=bool(rng.random() < 0.7),
        channel="voice" if spoken else "text",
    )
