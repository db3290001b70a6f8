"""Bilingual lexicons and tables of inflected forms: how they are read, and what they do to wordings."""

import gzip
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining.language import lexicon, morphology
from mining.language.terms import Terms, fold, keys, units
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

LEXICON = "# a comment\ntaa\tlamp\ntaa\tlight\nWASHA\tswitch on\nzima taa\tlights out\n"
MORPHOLOGY = """wecken\tweckt\tV;3;SG;PRS
wecken\tweckte\tV;3;SG;PST
wecken\tweckte\tV;1;SG;PST
wecken\twecke\tV;IMP;SG

Lampe\tLampen\tN;NOM;PL
Lampe\tLampe\tN;NOM;SG
Wecke\tWecke\tN;NOM;SG
"""
LETTERS = st.sampled_from("ab")
WORDS = st.text(LETTERS, min_size=1, max_size=2)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)
PAIRS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), WORDS), max_size=6
)
FEATURES = st.sampled_from(["N;SG", "N;PL", "V;PST"])
TABLES = st.lists(st.tuples(WORDS, WORDS, FEATURES), min_size=1, max_size=8, unique=True)


def written(tmp_path, content: str | bytes, name: str = "words.tsv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def table(tmp_path) -> pl.DataFrame:
    return morphology.read(written(tmp_path, MORPHOLOGY))


@pytest.mark.parametrize(
    "content",
    [LEXICON, LEXICON.replace("\t", " , "), LEXICON.replace("\n", "\r\n"), "\ufeff" + LEXICON],
)
def test_a_lexicon_is_read_however_it_is_written(tmp_path, content):
    rows = [("taa", "lamp"), ("taa", "light"), ("washa", "switch on"), ("zima taa", "lights out")]
    assert lexicon.read(written(tmp_path, content)).rows() == rows
    packed = written(tmp_path, gzip.compress(content.encode(), mtime=0), "words.tsv.gz")
    assert lexicon.read(packed).rows() == rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("taa\tlamp\nwasha\n", "row 2: other is missing; a row is word, other, with a tab"),
        ("# words\n\n,lamp\n", "row 3: word is missing; a row is word, other, with a comma"),
        ("taa,lamp,light\n", "row 1: has more cells"),
        ('taa,"lamp\n', "row 1: broken CSV"),
        ("taa lamp\n", "row 1: other is missing; a row is word, other, with a tab"),
        (b"taa\tlamp\nse\xf1or\tsir\n", "row 2: is not UTF-8; write the file as UTF-8"),
        (gzip.compress(LEXICON.encode(), mtime=0)[:-9], "cannot be"),
        ("# nothing\n", "holds no row"),
    ],
)
def test_a_broken_lexicon_is_one_line_that_says_what_to_mend(tmp_path, content, told):
    path = written(tmp_path, content)
    with pytest.raises(BadInput) as caught:
        lexicon.read(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_features_and_a_file_that_is_not_there_are_told(tmp_path):
    with pytest.raises(
        BadInput, match="row 1: features is missing; a row is lemma, form, features"
    ):
        morphology.read(written(tmp_path, "wecken\tweckt\n"))
    with pytest.raises(BadInput, match="no such file"):
        morphology.read(tmp_path / "none.tsv")


def test_words_are_translated_and_the_longest_entry_counts(tmp_path):
    pairs = lexicon.read(written(tmp_path, LEXICON))
    said = ["Washa taa, tafadhali!", "zima taa", "zima", ""]
    assert lexicon.translated(said, pairs) == [
        "switch on lamp light , tafadhali!",
        "lights out",
        "zima",
        "",
    ]


def test_scripts_without_spaces_are_searched_letter_by_letter():
    pairs = pl.DataFrame({"word": ["打", "打开", "灯"], "other": ["hit", "open", "lamp"]})
    assert lexicon.translated(["请打开灯", "打 radio"], pairs) == ["请 open lamp", "hit radio"]


def test_marks_and_joiners_stay_inside_words():
    assert keys("बत्ती जलाओ।") == ["बत्ती", "जलाओ"]
    assert keys("می\u200cخواهم") == ["می\u200cخواهم"]
    assert keys("l'heure e\u0301te\u0301") == ["l", "heure", "été"]


@given(st.text())
def test_words_do_not_overlap_and_folding_is_done_once(text):
    spans = units(text)
    assert all(a < b <= c < d for (a, b), (c, d) in pairwise(spans))
    assert fold(fold(text)) == fold(text)


def replaced_the_slow_way(text: str, entries: dict[str, str]) -> str:
    words, said = text.split(), []
    while words:
        heads = (" ".join(words[:n]) for n in range(len(words), 0, -1))
        entry = next((head for head in heads if head in entries), words[0])
        said.append(entries.get(entry, entry))
        words = words[len(entry.split()) :]
    return " ".join(said)


@given(TEXTS, PAIRS.map(dict))
def test_the_longest_entry_is_found_as_the_slow_way_finds_it(text, entries):
    assert Terms.of(entries).replaced(text) == replaced_the_slow_way(text, entries)


def lemma_the_slow_way(word: str, rows: list[tuple[str, str, str]]) -> str:
    pairs = [(lemma, form) for lemma, form, _ in rows] + [(row[0], row[0]) for row in rows]
    lemmas = [lemma for lemma, form in pairs if form == word]
    sizes = {lemma: len({form for other, form in pairs if other == lemma}) for lemma in lemmas}
    return max(lemmas, key=lambda lemma: sizes[lemma], default=word)  # the first of the largest


@given(TEXTS, TABLES)
def test_forms_are_folded_as_the_slow_way_folds_them(text, rows):
    table = pl.DataFrame(rows, ["lemma", "form", "features"], orient="row")
    slow = " ".join(lemma_the_slow_way(word, rows) for word in text.split())
    assert morphology.folded([text], table) == [slow]


def test_forms_are_folded_in_any_letter_case(table):
    assert morphology.folded(["Weckte mich, Lampen an"], table) == ["wecken mich, lampe an"]


def test_a_variant_says_one_word_in_another_form(table):
    said = ["weckt mich", "weckte uns", "Lampe an"]
    made = morphology.variants(said, table, 2)
    assert made.rows() == [
        ("weckt mich", "weckte mich"),
        ("weckt mich", "wecke mich"),
        ("weckte uns", "weckt uns"),
        ("weckte uns", "wecke uns"),
        ("Lampe an", "Lampen an"),
    ]


@given(st.lists(TEXTS, max_size=4), TABLES, st.integers(1, 3))
def test_variants_differ_by_one_form_of_the_same_lemma_and_part_of_speech(said, rows, most):
    table = pl.DataFrame(rows, ["lemma", "form", "features"], orient="row")
    made = morphology.variants(said, table, most)
    kinds = {(form, lemma, features[0]) for lemma, form, features in rows}
    for wording, variant in made.rows():
        differing = [
            (old, new)
            for old, new in zip(wording.split(), variant.split(), strict=True)
            if old != new
        ]
        ((old, new),) = differing
        assert any((new, lemma, kind) in kinds for form, lemma, kind in kinds if form == old)
        assert variant not in said
    assert made.is_unique().all()
    assert all(n <= most for n in made.group_by("wording").len()["len"])


def test_nothing_comes_of_nothing(table):
    assert lexicon.translated([], pl.DataFrame({"word": ["a"], "other": ["b"]})) == []
    assert morphology.folded([], table) == []
    assert morphology.variants([], table, 2).is_empty()
