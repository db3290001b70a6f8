"""What of a logged text was said: not markup, not the payload of a button, not the whole of a pasted document.

Notation and constants: docs/method.md, 11.
"""

import html
import re
import unicodedata

import polars as pl

LONGEST = 1_000  # characters
BEGINNING, END = 700, 280  # characters of what is longer; the wish stands first or last
MARK = " […] "
CUT = BEGINNING + len(MARK) + END  # characters of what was cut
CLICKS = (
    re.compile(
        r"/[\w.:/-]+\s*(\{.*\}|\[.*\])?", re.DOTALL
    ),  # Rasa, Telegram: /intent{"entity": "value"}
    re.compile(r"\{\s*\"[^\"]+\"\s*:.*\}", re.DOTALL),  # an object
    re.compile(r"[A-Z][A-Z0-9]*([_:][A-Z0-9]+)+"),  # Messenger: GET_STARTED
    re.compile(r"EXTERNAL: [\w.:/-]+"),  # Rasa: an intent that came from outside
)
TAGS = re.compile(r"</?[A-Za-z][^<>]*>")


def is_click(text: str) -> bool:
    """Whether a text is what a button or a menu sends, not what a person writes."""
    said = text.strip()
    if not said.startswith(("/", "{")) and not said[:1].isupper():
        return False
    return any(form.fullmatch(said) for form in CLICKS)


def words(text: str) -> str:
    """In Unicode NFC, without tags; cut in the middle, with a mark, where it is longer than LONGEST."""
    said = unicodedata.normalize("NFC", text)
    if "<" in said and TAGS.search(said):
        said = html.unescape(re.sub(r"\s+", " ", TAGS.sub(" ", said))).strip()
    if len(said) > LONGEST:
        said = said[:BEGINNING] + MARK + said[-END:]
    return said


def whole(*columns: str) -> pl.Expr:
    """Whether none of the texts was cut: what was cut is evidence, and no wording."""
    return ~pl.any_horizontal(
        pl.col(c).str.contains(MARK, literal=True) & (pl.col(c).str.len_chars() == CUT)
        for c in columns
    )
