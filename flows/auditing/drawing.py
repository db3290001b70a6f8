"""Which rows of a night are judged."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from aggregation.audit.sampling import systematic
from aggregation.training_set import best
from flows.auditing.showing import KEYS, Row, Shown, known
from flows.explaining.memory import LakeReader
from flows.reviewing import WORDING, by_person
from flows.settings import Settings
from warehouse.common.platt import PlattScaling
from warehouse.errors import BadInput
from warehouse.home import alone, existing
from warehouse.tables import AuditRows

BELIEFS = {"pairs": ("rephrase_events", "p_rephrase"), "failures": ("defects", "p_defect")}


@dataclass(frozen=True)
class Auditing:
    """Rows of a subject of the newest night."""

    memory: LakeReader
    subject: str

    @staticmethod
    def of(root: Path, settings: Settings, subject: str) -> "Auditing":
        return Auditing(LakeReader(existing(root), settings), known(subject))

    def rows(self, wanted: int) -> list[Row]:
        """About so many rows to judge, the same for everybody who asks that night: those drawn before stand."""
        night, lake = self.memory.night, self.memory.lake
        frame = self._frame()
        if frame.is_empty():
            raise BadInput(
                f"{self.memory.home.root}: the night of {night} believes nothing of {self.subject}; "
                "there is nothing to audit"
            )
        with alone(self.memory.home):
            lake.recover()
            drawn = lake.read("audit_rows", [night])
            mine = drawn.filter(subject=self.subject)
            if mine.is_empty():
                mine = self._drawn(frame, wanted)
                lake.put("audit_rows", night, pl.concat([drawn, mine]))
        found = frame.join(mine.select("row"), on="row", how="semi").sort("row")
        return Shown(self.memory, self.subject).rows(found)

    def _frame(self) -> pl.DataFrame:
        """All rows of the subject: `row`, the columns of its key, `locale`, `belief`, `turns`."""
        lake, night = self.memory.lake, self.memory.night
        key, salt = KEYS[self.subject], self.memory.home.salt()
        if self.subject == "labels":
            said = lake.read("utterance_stats", [night]).select("locale", "utterance", "turns")
            sure = best(lake.read("soft_labels", [night])).join(said, on=WORDING)
            rows = sure.join(by_person(lake, night), on=WORDING, how="anti").with_columns(
                belief="probability"
            )
        elif self.subject == "rewrites":
            rows = lake.read("rewrites", [night]).with_columns(
                belief="p_better", turns="occurrences"
            )
        else:
            table, belief = BELIEFS[self.subject]
            window = lake.scan(table, self.memory.window(table))
            rows = window.select(*key, "locale", belief=belief, turns=pl.lit(1.0)).collect()
        named = rows.select(*dict.fromkeys([*key, "locale", "belief", "turns"]))
        ids = [_hashed(salt, self.subject, *values) for values in named.select(key).iter_rows()]
        return named.with_columns(
            pl.col("turns").cast(pl.Float64), row=pl.Series(ids, dtype=pl.String)
        )

    def _drawn(self, frame: pl.DataFrame, wanted: int) -> pl.DataFrame:
        """Rows of `AuditRows`."""
        belief, turns = frame["belief"].to_numpy(), frame["turns"].to_numpy()
        night = self.memory.night
        start = int(_hashed(self.memory.home.salt(), night, self.subject), 16) % 2**32 / 2**32
        drawn = systematic(belief, turns, frame["locale"].to_numpy(), wanted, start)
        before = self.memory.lake.read("audits", [night]).filter(subject=self.subject)
        bend = PlattScaling(*before.select("shift", "stretch").row(0)) if before.height else None
        chosen = belief[drawn.places]
        rows = {
            "subject": self.subject,
            "row": frame["row"].gather(drawn.places),
            "belief": chosen,
            "unbent": bend.undone(chosen) if bend and self.subject != "rewrites" else chosen,
            "turns": turns[drawn.places],
            "expected": drawn.expected,
            "all_believed": float((belief * turns).sum() / turns.sum()),
            "all_turns": float(turns.sum()),
        }
        return AuditRows.cast(pl.DataFrame(rows))


def _hashed(salt: bytes, *parts: str) -> str:
    content = json.dumps(parts, ensure_ascii=False).encode()
    return hashlib.blake2b(content, key=salt, digest_size=12, person=b"audit").hexdigest()
