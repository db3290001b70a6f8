"""One spelling of a locale: BCP 47 knows no case, and logs write en-US, en_US, en-us."""

import re
from functools import lru_cache

from warehouse.blur import quoted

UNDETERMINED = "und"
TAG = re.compile(r"[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*")


@lru_cache(4_096)  # on every row
def spelled(tag: str | None) -> str:
    """As RFC 5646, 2.1.1 writes it: en-US, zh-Hans-CN; `und` for none. ValueError where it is no tag."""
    if not tag or not tag.strip():
        return UNDETERMINED
    if not TAG.fullmatch(tag.strip()):
        raise ValueError("is not a BCP 47 tag such as en-GB")
    language, *rest = tag.strip().replace("_", "-").lower().split("-")
    private = False
    for at, part in enumerate(rest):
        private = private or len(part) == 1
        if not private and part.isalpha():
            rest[at] = part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part
    return "-".join([language, *rest])


def beside(locales: list[str]) -> list[str]:
    """A sentence on each language that stands beside regions of its own: `en` beside `en-GB` may be the same people."""
    regions = {known: [r for r in locales if r.startswith(f"{known}-")] for known in locales}
    return [
        f"locale {quoted(known)} stands beside {', '.join(map(quoted, sorted(found)))}: are they one? they are told apart"
        for known, found in sorted(regions.items())
        if found
    ]
