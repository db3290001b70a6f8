"""What the settings know of the words of a locale: a bilingual lexicon, a table of inflected forms."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from flows.settings import Settings
from mining.language import lexicon, morphology
from warehouse.common.digests import file_digest

MOST = 2  # variants of a wording


def check(settings: Settings) -> None:
    """Read every file once; BadInput names the first row that is broken."""
    for known in settings.languages.lexicon.values():
        lexicon.read(Path(known.path))
    for path in settings.languages.morphology.values():
        morphology.read(Path(path))


def files(settings: Settings) -> list[str]:
    """Hashes of the files: what changed in one is computed anew."""
    known = settings.languages
    lexicons = (known.lexicon[locale].path for locale in sorted(known.lexicon))
    tables = (known.morphology[locale] for locale in sorted(known.morphology))
    return [file_digest(Path(path)) for path in (*lexicons, *tables)]


def read_as(settings: Settings, wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, folded, translated` of wordings (`locale, utterance`): with every form replaced by
    its lemma, and in the words of the locale that the lexicon leads to (after folding, as lexicons hold
    lemmas), as far as the wordings have them. Null where the locale has no table, or no lexicon."""
    spoken = dict(_by_locale(wordings))
    found = [_read_as(settings, locale, spoken) for locale in spoken]
    schema = dict.fromkeys(("locale", "utterance", "folded", "translated"), pl.String())
    return pl.concat([pl.DataFrame(schema=schema), *found]).sort("locale", "utterance")


def variants(settings: Settings, wordings: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, variant` of wordings (`locale, utterance`), where the settings ask for them: one
    word in another form. Locales without a table have none."""
    schema = dict.fromkeys(("locale", "utterance", "variant"), pl.String())
    found = [pl.DataFrame(schema=schema)]
    for locale, rows in _by_locale(wordings) if settings.languages.variants else ():
        if path := settings.languages.morphology.get(locale):
            said = rows["utterance"].to_list()
            made = morphology.variants(said, morphology.read(Path(path)), MOST)
            found.append(
                made.select(pl.lit(locale).alias("locale"), utterance="wording", variant="variant")
            )
    return pl.concat(found)


def _read_as(settings: Settings, locale: str, spoken: dict[str, pl.DataFrame]) -> pl.DataFrame:
    rows = spoken[locale]
    known, said = settings.languages, rows["utterance"].to_list()
    folded = translated = None
    if path := known.morphology.get(locale):
        folded = morphology.folded(said, morphology.read(Path(path)))
    if named := known.lexicon.get(locale):
        pairs = lexicon.read(Path(named.path))
        if named.to in spoken:
            pairs = lexicon.heard(pairs, spoken[named.to]["utterance"].to_list())
        translated = lexicon.translated(folded or said, pairs)
    return rows.select(
        "locale",
        "utterance",
        folded=pl.Series(folded or [None] * len(said), dtype=pl.String()),
        translated=pl.Series(translated or [None] * len(said), dtype=pl.String()),
    )


def _by_locale(wordings: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    spoken = wordings.select("locale", "utterance").unique().sort("locale", "utterance")
    for (locale,), rows in spoken.group_by("locale", maintain_order=True):
        yield str(locale), rows
