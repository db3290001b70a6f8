"""The words of a text, in any script."""

import re
import unicodedata

UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def words(text: str) -> list[str]:
    """Words without case and punctuation; of scripts that do not space them, characters.

    >>> words("Turn it OFF, please")
    ['turn', 'it', 'off', 'please']
    >>> words("音を下げて")
    ['音', 'を', '下', 'げ', 'て']
    """
    found = []
    for word in unicodedata.normalize("NFKC", text).casefold().split():
        bare = "".join(c for c in word if unicodedata.category(c)[0] not in "PS" or c == "'")
        if unspaced(bare):
            found += list(bare)
        elif bare:
            found.append(bare)
    return found


def unspaced(text: str) -> bool:
    """Whether its script puts no spaces between words.

    >>> unspaced("音を下げて"), unspaced("lamp on")
    (True, False)
    """
    return UNSPACED.search(text) is not None
