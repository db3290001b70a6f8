"""The tables of slots: what wordings are believed to hold, and what the assistant heard in them."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, table, text
from warehouse.tables.labels import SLOT


@table("projected_slots")
class ProjectedSlots(dy.Schema):
    """The slots of a wording under its best label, as far as users showed."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    slots = dy.List(
        SLOT, nullable=False, description="empty where users showed that there are none"
    )
    slots_known = dy.Bool(
        nullable=False, description="whether these are all of its slots, as far as users showed"
    )


@table("slot_figures", published=Published.NEWEST)
class SlotFigures(dy.Schema):
    """A slot of an intent in the window: how often it was heard, failed and was corrected."""

    locale = text("locale", key=True)
    intent = text("intent under which it was executed", key=True)
    name = text("slot", key=True)
    heard = count("values heard")
    users = count("distinct users behind them")
    corrected = count("values that their users corrected: said again, the slot held another")
    users_corrected = count("distinct users who did")
    failed = amount("turns that failed among them, expected")


@table("slot_values", published=Published.NEWEST)
class SlotValues(dy.Schema):
    """A value that a slot held in the window."""

    locale = text("locale", key=True)
    name = text("slot", key=True)
    value = text("value, as the assistant heard it", key=True)
    first_day = text("first day of the window on which it was heard, YYYY-MM-DD")
    heard = count("times it was heard")
    users = count("distinct users who said it")
    corrected = count("times it was corrected")
    users_corrected = count("distinct users who corrected it")
    known = dy.Bool(nullable=False, description="whether the seed data has it, letter case apart")
    candidate = dy.Bool(
        nullable=False,
        description="new, of users enough, and corrected by fewer than half of them; none without slots in the seed data",
    )
    shown = text("the value as it may be shown")
