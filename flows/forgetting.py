"""Forgetting a user: the wish is remembered, what there is of the user is erased, and the newest night
is believed anew. Cut short anywhere, it is finished by whoever works in the home next."""

from flows import erasure
from flows.night import believe_night
from flows.pipeline import Caller, Night, Result
from flows.steps.intake import NOTHING
from mining.ingest.validation import hashed
from mining.sessions import turns
from warehouse import forgotten
from warehouse.erasing import ErasureScope
from warehouse.errors import BadInput
from warehouse.forgotten import Erasing


def forget(night: Night, user: str, call: Caller) -> Result:
    """Forget a user of the log, whose turns of today and before are refused from now on; `turns` is 0
    where there is nothing more to erase."""
    home, today = night.home, night.now.isoformat()
    mine, begun = hashed(user, home.salt()), forgotten.read(home).erasing
    late = finish(night, call)
    counted = erasure.count(home, ErasureScope(user=mine), today, night.settings.mining.window_days)
    if counted.turns:
        forgotten.begin(home, counted, max(today, counted.days[-1]))
        return finish(night, call) or {}
    if mine not in forgotten.read(home).users:
        raise BadInput(f"{user}: said nothing that {home.root} holds; name a user_id of the log")
    return late if late and begun and begun.user == mine else {"turns": 0}


def finish(night: Night, call: Caller) -> Result | None:
    """Carry out the erasure that began, if there is one; what it came to."""
    counted = forgotten.read(night.home).erasing
    if counted is None:
        return None
    if not counted.erased:
        call(erase_turns, night, counted)
    outcome = believe_night(night, NOTHING, call)
    done = forgotten.settle(night.home) or counted
    return {
        "erasure": done.erasure,
        "turns": done.turns,
        "wordings": done.wordings,
        "examples": sum(done.examples.values()),
        "models": done.models,
        "night": outcome.night,
        "training_set": outcome.training_set,
        "retrain": outcome.retrain,
        "because": list(outcome.because),
    }


def erase_turns(night: Night, counted: Erasing) -> Result:
    """Erase what was counted; count the silences anew, in which a user was."""
    models = erasure.erase(night.home, counted, night.settings.mining.window_days)
    if counted.user:
        turns.recount(night.engine, night.lake, counted.days)
    forgotten.erased(night.home, models)
    return {"turns": counted.turns}
