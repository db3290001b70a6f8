"""Sentences that may be published: a reason of a decision tells counts that the columns beside it round."""

import re

COUNT = re.compile(
    r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?)(?![\w%]|[.-]\d)(?! (?:needed|nights?|are the most|ms|MiB|is the most))"
)
PERCENT = re.compile(r"(?<![\w.-])(\d+\.\d+)%")
PART = re.compile(r"\b(of|makes) (locale|intent) \S+ (at least|worse)")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|‘[^’]*’")


def quoted(text: object) -> str:
    """What is of the log, as a sentence quotes it: whatever it holds, `blurred` takes it out."""
    plain = re.sub(r"['\"‘]", "’", str(text))
    return f"'{plain}'"


def blurred(text: str, k: int) -> str:
    """The sentence with counts rounded to multiples of k (below it `<k`), fewer digits of
    percents, and nothing that is quoted or that names a locale or intent. Thresholds, nights, probabilities and names with numbers in them stay.

    >>> blurred("597 of them new, 50 needed; right of 95.2% (3), p 0.04; breaks 'call ann'", 5)
    "595 of them new, 50 needed; right of 95% (<5), p 0.04; breaks '...'"
    """

    def count(found: re.Match[str]) -> str:
        number = float(found[1].replace(",", ""))
        if "." in found[1] and number < 1:
            return found[1]
        return f"{round(number / k) * k:,}" if number >= k else f"<{k}"

    def percent(found: re.Match[str]) -> str:
        return f"{float(found[1]):.{1 if float(found[1]) < 10 else 0}f}%"

    text = PART.sub(r"\1 one \2 \3", text)
    return COUNT.sub(count, PERCENT.sub(percent, QUOTED.sub("'...'", text)))
