"""Figures for Prometheus: what its own parser reads is what the warehouse says."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from typer.testing import CliRunner

from flows.cli import app
from warehouse import metrics
from warehouse.errors import BadInput
from warehouse.queries import ask


@pytest.fixture(scope="module")
def home(nights):
    return nights[1].file.parent


@pytest.fixture(scope="module")
def read(home):
    """By name, each sample's labels and value."""
    found = {}
    for family in text_string_to_metric_families(metrics.text(home)):
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_every_figure_is_there_with_its_labels(read):
    for gauge in metrics.GAUGES:
        if gauge.name in ("waiting", "audited_ratio"):  # where there is any
            continue
        rows = read[f"sayagain_{gauge.name}"]
        assert all(set(labels) == set(gauge.labels) for labels, _ in rows), gauge.name


def test_figures_are_the_warehouses(home, read):
    rows = ask(home, "select locale, defects, turns, defects_at_most from locale_totals")
    shares = {(labels["locale"], labels["bound"]): v for labels, v in read["sayagain_failed_ratio"]}
    for row in rows.drop_nulls("defects").to_dicts():
        share = row["defects"] / row["turns"]
        assert shares[row["locale"], "expected"] == pytest.approx(share)
        assert shares[row["locale"], "at_most"] == pytest.approx(row["defects_at_most"])
    assert {locale for locale, _ in shares} == set(rows["locale"])
    states = {labels["state"]: value for labels, value in read["sayagain_log_rows"]}
    assert states["read"] >= states["kept"] > 0
    ((labels, _),) = read["sayagain_model_info"]
    (serving,) = ask(home, "select version from models where champion")["version"]
    assert labels == {"version": serving}


def test_the_command_prints_them_or_writes_a_file(home, tmp_path):
    printed = CliRunner().invoke(app, ["metrics", "--home", str(home)])
    place = tmp_path / "sayagain.prom"
    CliRunner().invoke(app, ["metrics", "--home", str(home), "--out", str(place)])
    assert printed.stdout == place.read_text() == metrics.text(home)
    assert printed.stdout.endswith("# EOF\n")
    with pytest.raises(BadInput, match="is not there yet"):
        metrics.text(tmp_path)
