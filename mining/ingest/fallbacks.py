"""Names under which assistants log that they understood nothing. Such a turn executed nothing."""

import re
from collections.abc import Collection
from functools import lru_cache

# Rasa: nlu_fallback, out_of_scope, action_default_fallback; Lex: FallbackIntent, AMAZON.FallbackIntent; Dialogflow: Default
# Fallback Intent, input.unknown; LUIS and CLU: None; Alexa: AMAZON.FallbackIntent; Watson: irrelevant, anything_else.
KNOWN = frozenset(
    (
        "fallback",
        "out of scope",
        "oos",
        "no match",
        "nomatch",
        "no input",
        "not understood",
        "unknown",
        "irrelevant",
        "anything else",
        "none",
    )
)
AROUND = frozenset(
    ("nlu", "amazon", "action", "default", "intent", "input", "system")
)  # say nothing themselves
NULLS = frozenset(
    {"", "nan", "null", "none", "nil", "n/a", "undefined", "<na>"}
)  # null, written as text


def is_fallback(intent: str, named: Collection[str]) -> bool:
    """Whether an intent's name says that nothing was understood; `named` are further names."""
    return intent in named or _is_known(intent)


@lru_cache(4_096)  # a log names few intents, on every row
def _is_known(intent: str) -> bool:
    return _core(intent.partition("/")[0]) in KNOWN


def _core(name: str) -> str:
    """In small letters, words parted by a blank, without those that say nothing: of FallbackIntent fallback."""
    words = re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower().split()
    return " ".join(w for w in words if w not in AROUND).replace("fall back", "fallback")


def is_null(text: str) -> bool:
    return text.strip().casefold() in NULLS
