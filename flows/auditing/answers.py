"""What persons said of rows that were drawn."""

from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warehouse.errors import BadInput
from warehouse.home import alone, existing
from warehouse.lake import Lake
from warehouse.tables import AuditAnswers


class Answer(BaseModel):
    """A row of a file that was filled in; what else it holds is passed over."""

    model_config = ConfigDict(frozen=True)
    subject: str
    night: str
    row: Annotated[str, Field(min_length=1)]
    right: bool | None = None


def read(path: Path) -> list[Answer]:
    """The answers of a file, JSON lines as `audit --out` writes them. BadInput names file, row and field."""
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    return [
        _answer(line, f"{path}, row {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _answer(line: str, where: str) -> Answer:
    try:
        return Answer.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "row"
        raise BadInput(f"{where}, field {field}: {first['msg']}") from None


def given(root: Path, night: str, auditor: str) -> set[tuple[str, str]]:
    """The subjects and rows of a night that a person answered already."""
    kept = Lake(existing(root).lake).read("audit_answers", [night]).filter(auditor=auditor)
    return set(kept.select("subject", "row").iter_rows())


def keep(root: Path, answers: list[Answer], auditor: str) -> None:
    """Remember the answers that were given, all of them or, where one speaks of no row that was drawn, none. A later answer of the same person counts."""
    home = existing(root)
    with alone(home):
        lake = Lake(home.lake)
        lake.recover()
        nights = sorted({a.night for a in answers})
        for night in nights:
            drawn = set(lake.read("audit_rows", [night]).select("subject", "row").iter_rows())
            for a in answers:
                if a.night == night and (a.subject, a.row) not in drawn:
                    raise BadInput(f"row {a.row}: was not drawn on {night} to audit {a.subject}")
        for night in nights:
            told = [
                {"subject": a.subject, "row": a.row, "auditor": auditor, "right": a.right}
                for a in answers
                if a.night == night
            ]
            both = pl.concat(
                [lake.read("audit_answers", [night]), AuditAnswers.cast(pl.DataFrame(told))]
            )
            lake.put(
                "audit_answers",
                night,
                both.unique(["subject", "row", "auditor"], keep="last", maintain_order=True),
            )
