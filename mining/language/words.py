"""The words of a text, in any script."""

import unicodedata

from warehouse.common.tokens import UNSPACED


class _Bare(dict[int, int | None]):
    """For `str.translate`: drops punctuation and symbols, apostrophes apart; looked up once a character."""

    def __missing__(self, code: int) -> int | None:
        dropped = unicodedata.category(chr(code))[0] in "PS" and chr(code) != "'"
        self[code] = None if dropped else code
        return self[code]


_BARE = _Bare()


def words(text: str) -> list[str]:
    """Words without case and punctuation; of scripts that do not space them, characters.

    >>> words("Turn it OFF, please")
    ['turn', 'it', 'off', 'please']
    >>> words("音を下げて")
    ['音', 'を', '下', 'げ', 'て']
    """
    if text.isascii():
        return text.lower().translate(_BARE).split()
    bare = unicodedata.normalize("NFKC", text).casefold().translate(_BARE)
    if not unspaced(bare):
        return bare.split()
    return [part for word in bare.split() for part in (word if unspaced(word) else (word,))]


def unspaced(text: str) -> bool:
    """Whether its script puts no spaces between words.

    >>> unspaced("音を下げて"), unspaced("lamp on")
    (True, False)
    """
    return not text.isascii() and UNSPACED.search(text) is not None
