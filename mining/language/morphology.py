"""A table of inflected forms, as UniMorph has them: the words of a language by what they are forms of.

Notation and constants: docs/method.md, 11.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars as pl

from mining.ingest.columns import columns
from mining.language.terms import Terms, fold, folded_column, near

TRIED = 8  # other forms of a word
Forms = dict[str, list[str]]


def read(path: Path) -> pl.DataFrame:
    """`lemma, form, features`, the words folded: the three columns of a file, parted by tabs. BadInput
    names the first row that is broken."""
    table = columns(path, ("lemma", "form", "features"), "\t")
    words = (folded_column(table[name]) for name in ("lemma", "form"))
    return table.with_columns(*words).unique(maintain_order=True)


def folded(wordings: list[str], table: pl.DataFrame) -> list[str]:
    """Each wording, folded, with every form replaced by its lemma. Of several lemmas it is the one of
    which the table has the most forms; the first one of these."""
    lemmas = Terms.of(dict(_lemmas(wordings, table).select("form", "lemma").iter_rows()))
    return [lemmas.replaced(wording) for wording in wordings]


def variants(wordings: list[str], table: pl.DataFrame, most: int) -> pl.DataFrame:
    """`wording, variant`: up to `most` of each wording, in which one word has become another form of its
    lemma and part of speech. Forms that the wordings have come first, then those that stand for the most
    features. What is a wording itself is no variant."""
    lemmas = _lemmas(wordings, table)
    spoken = Terms.of({form: form for form in lemmas["form"]})
    said = Counter(form for w in wordings for _, form in spoken.found(w))
    others = _others(lemmas, table, said)
    known = {fold(wording) for wording in wordings}
    rows = [
        (wording, variant)
        for wording in dict.fromkeys(wordings)
        for variant in islice(_made(wording, spoken, (others, said), known), most)
    ]
    schema = {"wording": pl.String(), "variant": pl.String()}
    return pl.DataFrame(rows, schema, orient="row")


def _lemmas(wordings: list[str], table: pl.DataFrame) -> pl.DataFrame:
    """`form, lemma` of the forms that may be in the wordings; a lemma is a form of its own."""
    pairs = pl.concat(
        [table.select("lemma", "form"), table.select("lemma", form="lemma")]
    ).with_row_index("place")
    spoken = near(pairs, "form", wordings)
    forms = pl.col("form").n_unique().alias("forms")
    sizes = pairs.join(spoken, on="lemma", how="semi").group_by("lemma").agg(forms)
    ranked = spoken.join(sizes, on="lemma").sort("forms", "place", descending=[True, False])
    return ranked.unique("form", keep="first", maintain_order=True).select("form", "lemma")


def _others(lemmas: pl.DataFrame, table: pl.DataFrame, said: Counter[str]) -> Forms:
    """Other forms of the lemma and part of speech of each form that was said, the commonest first."""
    speech = pl.col("features").str.split(";").list.first().alias("speech")
    kind = ["lemma", "speech"]
    paradigms = (
        table.join(lemmas, on="lemma", how="semi")
        .with_columns(speech)
        .group_by(*kind, "form", maintain_order=True)
        .agg(cells=pl.len())
    )
    counts = {"other": list(said), "said": list(said.values())}
    schema = {"other": pl.String(), "said": pl.Int64()}
    heard = lemmas.filter(pl.col("form").is_in(list(said)))
    found = (
        paradigms.join(heard, on=["form", "lemma"])
        .select("form", *kind)
        .join(paradigms.rename({"form": "other"}), on=kind, maintain_order="right")
        .filter(pl.col("form") != pl.col("other"))
        .join(pl.DataFrame(counts, schema), on="other", how="left", maintain_order="left")
        .sort(pl.col("said").fill_null(0), "cells", descending=True, maintain_order=True)
        .unique(["form", "other"], keep="first", maintain_order=True)
        .group_by("form", maintain_order=True)
        .agg(pl.col("other").head(TRIED))
    )
    return dict(found.iter_rows())


def _made(
    wording: str, spoken: Terms, forms: tuple[Forms, Counter[str]], known: set[str]
) -> Iterator[str]:
    """Variants of a wording: first with the commonest other form of each word, then with the next ones."""
    others, said = forms
    ranked = sorted(
        (turn, -said[other], place, other)
        for place, form in spoken.found(wording)
        for turn, other in enumerate(others.get(form, []))
    )
    taken = set(known)
    for _, _, (start, end), other in ranked:
        variant = wording[:start] + _cased(other, wording[start]) + wording[end:]
        if fold(variant) not in taken:
            taken.add(fold(variant))
            yield variant


def _cased(word: str, like: str) -> str:
    return word[:1].upper() + word[1:] if like.isupper() else word
