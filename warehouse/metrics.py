"""Figures of the published warehouse as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec), for
Prometheus and all that read its format. What is published is floored by k users, so these figures are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from warehouse.queries import opened, published

Ask = Callable[[str], pl.DataFrame]

LAST = "from runs where night = (select max(night) from runs)"


@dataclass(frozen=True)
class Gauge:
    """A figure: its name and what it is; the query gives the columns of `labels`, and `value`."""

    name: str
    meaning: str
    query: str
    labels: tuple[str, ...] = ()

    def of(self, ask: Ask) -> Metric:
        family = GaugeMetricFamily(f"sayagain_{self.name}", self.meaning, labels=self.labels)
        for row in ask(self.query).drop_nulls("value").iter_rows(named=True):
            family.add_metric([str(row[label]) for label in self.labels], float(row["value"]))
        return family


GAUGES = (
    Gauge(
        "night_timestamp_seconds",
        "Beginning of the newest night, UTC.",
        f"select epoch(night) as value {LAST}",
    ),
    Gauge(
        "night_completed",
        "Whether the newest night ran to its end: 1 or 0.",
        f"select status <> 'failed' as value {LAST}",
    ),
    Gauge("night_duration_seconds", "What it took.", f"select seconds as value {LAST}"),
    Gauge(
        "log_rows",
        "Rows of its log, by what became of them.",
        f"unpivot (select read, kept, set_aside {LAST}) on columns(*) into name state value value",
        ("state",),
    ),
    Gauge(
        "window_turns", "Turns that count for what is believed.", f"select turns as value {LAST}"
    ),
    Gauge(
        "told",
        "How well the log can tell a subject: 2 well, 1 weakly, 0 not at all.",
        "select subject, case verdict when 'well' then 2 when 'weakly' then 1 else 0 end as value"
        " from trust where night = (select max(night) from trust)",
        ("subject",),
    ),
    Gauge(
        "failed_ratio",
        "Share of turns of the window that failed their users: expected, and bounds that it keeps within in nine cases of ten.",
        """
        select locale, bound, value from (
            unpivot (select locale, defects / turns as expected, defects_at_least as at_least, defects_at_most as at_most
                     from locale_totals)
            on expected, at_least, at_most into name bound value value
        ) order by locale, bound
        """,
        ("locale", "bound"),
    ),
    Gauge(
        "failed_turns",
        "Turns of the window that failed their users, expected number, by what was heard.",
        "select locale, coalesce(intent, 'none') as intent, defects as value from intent_totals order by locale, intent",
        ("locale", "intent"),
    ),
    Gauge(
        "problems",
        "What hurts, by kind: problems that are open.",
        "select kind, count(*) as value from problems where status = 'open' group by kind order by kind",
        ("kind",),
    ),
    Gauge(
        "problem_turns_per_day",
        "What solving an open problem is worth: turns a day, expected, and bounds that it keeps within in nine cases of ten.",
        """
        select problem_id, kind, locale, bound, value from (
            unpivot (select problem_id, kind, locale, worth as expected, worth_at_least as at_least, worth_at_most as at_most
                     from problems where status = 'open')
            on expected, at_least, at_most into name bound value value
        ) order by problem_id, bound
        """,
        ("problem_id", "kind", "locale", "bound"),
    ),
    Gauge(
        "waiting",
        "What waits for a person.",
        "select kind, count(*) as value from waiting group by kind order by kind",
        ("kind",),
    ),
    Gauge(
        "retraining_due",
        "Whether the newest night decided that retraining pays: 1 or 0.",
        "select retrain as value from decisions where night = (select max(night) from decisions)",
    ),
    Gauge(
        "audited_ratio",
        "Share of turns whose belief held, as persons found who judged a few rows, and its bounds.",
        """
        unpivot (select subject, observed, at_least, at_most from audits)
        on observed, at_least, at_most into name bound value value
        """,
        ("subject", "bound"),
    ),
)


class Published(Collector):
    """The figures of a warehouse that is open."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def collect(self) -> Iterator[Metric]:
        yield from (gauge.of(self.ask) for gauge in GAUGES)
        serving: list[dict[str, Any]] = self.ask(
            "select version from models where champion"
        ).to_dicts()
        yield InfoMetricFamily(
            "sayagain_model", "The model that serves.", value=serving[0] if serving else None
        )


def text(root: Path) -> str:
    """All figures of a home; BadInput where no night was run."""
    registry = CollectorRegistry()
    with opened(published(root)) as ask:
        registry.register(Published(ask))
        found: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return found.decode()
