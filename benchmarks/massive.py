"""MASSIVE as `sayagain simulate` reads a corpus."""

import gzip
import json
import re
from pathlib import Path

ANNOTATED = re.compile(r"\[([^:\]]+) : ([^\]]+)\]")


def corpus_of(massive: Path, out: Path) -> Path:
    """Write the wordings of a locale's file to `out`, with their slots."""
    opened = gzip.open if massive.suffix == ".gz" else open
    with opened(massive, "rt", encoding="utf8") as lines, out.open("w", encoding="utf8") as file:
        for line in lines:
            row = json.loads(line)
            marked = row["annot_utt"]
            slots = {name.strip(): value.strip() for name, value in ANNOTATED.findall(marked)}
            plain = ANNOTATED.sub(lambda m: m.group(2).strip(), marked)
            said = {"locale": row["locale"], "utterance": plain, "intent": row["intent"]}
            file.write(json.dumps(said | {"slots": slots}, ensure_ascii=False) + "\n")
    return out
