"""The table of steps in ARCHITECTURE.md, made from their declarations:

python -m flows.reference
"""

import inspect
from pathlib import Path

from flows.night import HEARD, believed
from flows.pipeline import Scope, Step
from flows.steps.intake import take_in
from warehouse.tables import name_of

BEGIN, END = "<!-- steps: made by python -m flows.reference -->", "<!-- end of steps -->"
PLACE = Path(__file__).parent.parent / "ARCHITECTURE.md"


def table() -> str:
    """A row a step: what it does, reads, writes and depends on."""
    rows = [_row(step) for step in (take_in, *HEARD, *believed())]
    head = [
        "| step | reads | writes | settings, and what else it depends on |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def written(text: str) -> str:
    """The page with the table as it is now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


def _row(step: Step) -> str:
    about = (inspect.getdoc(step.work) or "").splitlines()[0]
    place = Path(inspect.getfile(step.work)).relative_to(PLACE.parent)
    reads = [
        f"{scope.value}: {', '.join(f'`{r.table}`' for r in step.reads if r.scope is scope)}"
        for scope in Scope
        if any(r.scope is scope for r in step.reads)
    ]
    writes = ", ".join(f"`{name_of(t)}`" for t in step.writes)
    depends = [*(f"`{s}`" for s in step.settings), *(fact.name for fact in step.facts)]
    name = f"**{step.name.replace('_', ' ')}**: {about} `{place}`"
    return f"| {name} | {'; '.join(reads)} | {writes} | {', '.join(depends)} |"


if __name__ == "__main__":
    PLACE.write_text(written(PLACE.read_text(encoding="utf8")), encoding="utf8")
