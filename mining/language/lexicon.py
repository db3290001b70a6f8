"""A bilingual lexicon: what the words of a language are in another one."""

from pathlib import Path

import polars as pl

from mining.ingest.columns import columns
from mining.language.terms import Terms, folded_column, near


def read(path: Path) -> pl.DataFrame:
    """`word, other`, folded: the two columns of a file, parted by tabs or commas. A word may have several
    rows. BadInput names the first row that is broken."""
    pairs = columns(path, ("word", "other"), "\t,")
    return pairs.select(folded_column(pairs["word"]), folded_column(pairs["other"])).unique(
        maintain_order=True
    )


def heard(pairs: pl.DataFrame, wordings: list[str]) -> pl.DataFrame:
    """The rows whose translation begins with a word of the wordings, which are of the other language:
    dictionaries have many more, that nobody there says."""
    return near(pairs, "other", wordings)


def translated(wordings: list[str], pairs: pl.DataFrame) -> list[str]:
    """Each wording, folded, with its words replaced by all that the lexicon has for them. Unknown words
    stay. Of entries that overlap, the longest counts."""
    spoken = near(pairs, "word", wordings)
    options = spoken.group_by("word", maintain_order=True).agg(pl.col("other").str.join(" "))
    terms = Terms.of(dict(options.iter_rows()))
    return [terms.replaced(wording) for wording in wordings]
