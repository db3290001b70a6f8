"""The report: one self-contained page, made from a published warehouse alone. It loads nothing and sends
nothing: its one script is named by its hash, and wordings are escaped, since a log is not trusted."""

import base64
import hashlib
import json
import re
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from warehouse.errors import BadInput
from warehouse.home import alone, existing
from warehouse.lake import Lake
from warehouse.publish import build
from warehouse.queries import ask, named, opened
from warehouse.report.answers import answers, changed
from warehouse.report.cells import pasted, table
from warehouse.report.drawing import Ask
from warehouse.report.launches import launches
from warehouse.report.pictures import pictures

MOST = 15  # rows of a table
MOST_PLACES = 1_000  # locales
MOST_OF = {"problems": 60}  # rows of tables that are longer


def _whole(name: str) -> str:
    """A question of the cookbook without its limit: the page takes some rows of each locale."""
    return re.sub(r"\nlimit \d+\s*$", "\n", named(name))


PLACES = """
select locale, turns, users, said_again / turns as said_again, defects / turns as failed,
    defects_at_least as at_least, defects_at_most as at_most, failures / turns as noticed
from locale_totals
where defects is not null or not exists (from pooled where locales <> 'all')
union all
select locales, turns, users, said_again / turns, defects / turns, defects_at_least, defects_at_most, null
from pooled where day is null and intent = 'all' and locales <> 'all'
order by starts_with(locale, 'small locales ('), turns desc nulls last, locale
"""

TABLES = {
    "problems": """
        select locale, told as what_hurts, worth as turns_a_day, worth_at_least, worth_at_most, users, opened as open_since,
            how as what_mends_it, problem_id as id
        from problems where status = 'open' order by worth desc nulls last, locale, told
    """,
    "closed": """
        select locale, told as what_hurt, status, opened, closed, times as times_opened, problem_id as id
        from problems where status <> 'open' order by coalesce(closed, opened) desc, locale, told
    """,
    "trust": """
        select subject, verdict, array_to_string(because, '; ') as why_not_better from trust
        where night = (select max(night) from trust) order by subject
    """,
    "audits": """
        select subject, drawn as night, rows, answered, auditors as persons, believed, observed, at_least, at_most from audits
        order by subject
    """,
    "beliefs": """
        select locale, wordings, labelled, believed, published, unlabelled, too_few, unsure, waiting
        from launches order by wordings desc nulls last, locale
    """,
    "worst": """
        select locale, coalesce(intent, '(no hypothesis)') as intent, turns, defects / turns as failed,
            defects_at_least as at_least, defects_at_most as at_most
        from intent_totals where locale in (select locale from locale_totals where defects is not null)
        union all
        select locales, intent, turns, defects / turns, defects_at_least, defects_at_most
        from pooled where day is null and intent <> 'all' and locales <> 'all'
        order by failed * turns desc nulls last, locale, intent
    """,
    "changed": """
        select locale, change, coalesce(term, example) as what, example, users, ratio, at_least, at_most, since from trends
        where term is not null or (kind = 'cluster' and example is not null)
        order by since desc, change in ('falling', 'gone'), at_least desc, locale, what
    """,
    "candidates": _whole("may_be_new"),
    "hurts": _whole("where_it_hurts"),
    "confusions": _whole("which_intent_eats_which"),
    "slots": _whole("which_slots_fail"),
    "values": _whole("new_values"),
    "rewrites": """
        select r.locale, r.source, r.target, r.p_better, r.users, coalesce(f.status, 'proposed') as status, r.began,
            f.p_worse
        from rewrites as r
        left join rewrite_experiments as f on r.locale = f.locale and r.source = f.source and r.target = f.target
        order by r.users desc nulls last, r.p_better desc, r.locale, r.source
    """,
    "clusters": _whole("many_ways"),
    "withheld": named("why_withheld"),
    "gate": named("gate"),
    "broken": _whole("broken"),
    "decisions": named("decisions"),
    "waiting": _whole("waiting"),
    "sessions": named("sessions"),
    "nights": named("nights"),
}


def render(root: Path, night: str | None = None) -> str:
    """The page of a home's newest night as HTML; of an earlier `night` (YYYY-MM-DD), from a warehouse that
    is built for it as it would have been published then."""
    if night is None:
        ask(root, "select k from schema_version")
        return _page(root / "warehouse.duckdb")
    home = existing(root)
    lake = Lake(home.lake)
    known = sorted(
        {*lake.days("decisions")} & {*lake.days("released_utterances")}
    )  # the old are erased
    if night not in known:
        raise BadInput(f"--night {night}: is not kept here; nights: {', '.join(known) or 'none'}")
    k = int(ask(root, "select k from schema_version").item())
    with alone(home), tempfile.TemporaryDirectory(dir=home.root, prefix=".report-") as folder:
        place = Path(folder) / "warehouse.duckdb"
        build(home, lake, k, place, night)
        return _page(place)


def _page(place: Path) -> str:
    with opened(place) as asked:
        return _rendered(place, asked)


def _rendered(place: Path, asked: Ask) -> str:
    from jinja2 import Environment, FunctionLoader

    runs = asked(
        "select * from runs where status <> 'failed' order by night desc limit 1"
    ).to_dicts()
    if not runs:
        raise BadInput(
            f"{place.parent}: no night was run yet; `sayagain run LOG --home {place.parent}`"
        )
    k = int(asked("select k from schema_version").item())
    begun = launches(asked)
    curves = {f"launch-{x.locale}": x.picture for x in begun if x.picture}
    drawn = {name: _harmless(spec) for name, spec in (pictures(asked) | curves).items()}
    tables = {n: table(asked(query), MOST_OF.get(n, MOST), k) for n, query in TABLES.items()}
    tables["places"] = table(asked(PLACES), MOST_PLACES, k)
    tables |= {f"hurts-{x.locale}": table(x.hurts, MOST, k) for x in begun}
    script = _script()
    templates = Environment(autoescape=True, loader=FunctionLoader(_text))
    templates.filters["pasted"] = pasted
    return templates.get_template("page.html").render(
        run=runs[0],
        answers=answers(asked, runs[0]),
        changed=changed(asked),
        k=k,
        lead=_lead(asked, runs[0]),
        pictures=drawn,
        tables=tables,
        launches=begun,
        script=script,
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _text(name: str) -> str:
    return (files("warehouse.report") / name).read_text(encoding="utf8")


@cache
def _script() -> str:
    """Vega and the page's own lines as one script."""
    import vl_convert

    bundled: str = vl_convert.javascript_bundle(_text("page.js"))
    return "\n" + bundled.replace("</script", "<\\/script") + "\n"


def _harmless(spec: dict[str, Any]) -> str:
    """JSON that ends no script element, whatever was said."""
    text = json.dumps(spec, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _lead(asked: Ask, run: dict[str, Any]) -> list[str]:
    """What the page is about, sentence by sentence."""
    places = asked("select count(*) from locale_totals").item()
    days = asked("select count(distinct day) from pooled where day is not null").item()
    of = f"{places} locale{'s' if places != 1 else ''}"
    return [
        f"{_count(run['turns']).capitalize()} turns of {of} on {days} days. A turn is one thing that a user said."
    ]


def _count(number: int | None) -> str:
    return "few" if number is None else f"{number:,}"
