"""The engine for logs that outgrow one machine: Spark, local, on a master URL, or over Spark Connect.

What it reads and writes must be reachable by every worker; workers need sayagain installed.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from mining.engines.engine import (
    PEOPLE,
    FileReader,
    Inputs,
    Item,
    Params,
    bound,
    reads_people,
    sql_text,
)
from mining.engines.spark_setup import check_java, check_master, check_spark_home
from warehouse.errors import BadInput


class SparkEngine:
    name = "spark"

    def __init__(self, scratch: Path, master: str | None = None) -> None:
        """`master` as Spark has it; `SPARK_REMOTE` goes before it; local threads where neither is set. What
        does not fit memory, and what the driver leaves for the time, lies in the folder `scratch`."""
        self.shared = SparkSession.getActiveSession() is not None
        self.spark = _session(scratch, master)

    def read(self, paths: list[Path], reader: FileReader, schema: pl.Schema, out: Path) -> None:
        names = self.spark.createDataFrame([(str(p),) for p in paths], "path string")
        spread = names.repartition(max(1, len(paths)), "path")

        def turns(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for path in batch.column("path").to_pylist():
                    for rows in reader(Path(path)):
                        yield from _batches(rows)

        try:
            _write(spread.mapInArrow(turns, _schema(schema)), out)
        except PySparkException as error:
            if told := re.search(r"BadInput: (.*)", str(error)):
                raise BadInput(told.group(1)) from None
            raise

    def query(self, sql: str, inputs: Inputs, params: Params | None = None) -> pl.DataFrame:
        with self._asked(sql, inputs, params or {}) as frame:
            rows = pl.from_arrow(frame.toArrow())
        assert isinstance(rows, pl.DataFrame)
        return rows

    def write(self, sql: str, inputs: Inputs, params: Params, out: Path) -> None:
        with self._asked(sql, inputs, params) as frame:
            _write(frame, out, "day")

    def each(self, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        """A task an item; `work` and the items go to the workers pickled."""

        def done(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column("id").to_pylist():
                    work(items[number])
                yield batch

        if items:
            numbers = self.spark.range(0, len(items), 1, len(items))
            numbers.mapInArrow(done, "id long").count()

    def close(self) -> None:
        """Stop Spark, where this engine started it."""
        if not self.shared:
            self.spark.stop()

    @contextmanager
    def _asked(self, sql: str, inputs: Inputs, params: Params) -> Iterator[Any]:
        """The rows of a query, not computed yet. Views go with it."""
        tables, values = bound(sql, inputs, params)
        try:
            for name, source in tables.items():
                self._frame(source).createOrReplaceTempView(name)
            if reads_people(sql):
                self.spark.sql(sql_text(PEOPLE)).createOrReplaceTempView(PEOPLE)
            yield self.spark.sql(sql_text(sql), args=values)
        finally:
            for name in (PEOPLE, *tables):
                self.spark.catalog.dropTempView(name)

    def _frame(self, source: Sequence[Path] | pl.DataFrame) -> Any:
        if isinstance(source, pl.DataFrame):
            if source.is_empty():  # pyspark 4.1 takes no Arrow table without rows
                return self.spark.createDataFrame([], _schema(source.schema))
            return self.spark.createDataFrame(_arrow(source))
        return self.spark.read.parquet(*[str(p) for p in source])


def _session(scratch: Path, master: str | None) -> Any:
    builder = SparkSession.builder.appName("sayagain")
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": "8",
    }.items():
        builder = builder.config(key, value)
    if remote := os.environ.get("SPARK_REMOTE"):
        check_master(remote)
        return builder.remote(remote).getOrCreate()
    check_java()
    check_spark_home()
    at = master or os.environ.get("MASTER") or "local[*]"
    check_master(at)
    scratch.mkdir(parents=True, exist_ok=True)
    builder = builder.master(at)
    builder = builder.config("spark.local.dir", str(scratch)).config(
        "spark.driver.extraJavaOptions", f'"-Djava.io.tmpdir={scratch}" -XX:-UsePerfData'
    )
    builder = builder.config("spark.ui.enabled", "false").config(
        "spark.ui.showConsoleProgress", "false"
    )
    if "local" in at or "127.0.0.1" in at:
        os.environ.setdefault(
            "PYSPARK_PYTHON", sys.executable
        )  # not whatever python3 is on the path
        builder = builder.config("spark.driver.host", "127.0.0.1")
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _write(rows: Any, out: Path, *by: str) -> None:
    writer = rows.write.mode("overwrite")
    writer = writer.partitionBy(*by) if by else writer
    writer.parquet(str(out))


def _batches(rows: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    yield from _arrow(rows).to_batches()


def _arrow(rows: pl.DataFrame) -> pa.Table:
    """The rows in the Arrow types that Spark takes: plain strings, times in microseconds."""
    times = cs.datetime("ms", time_zone="UTC").dt.cast_time_unit("us")
    table = rows.with_columns(times).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(pa.schema([(f.name, _small(f.type)) for f in table.schema]))


def _small(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind):
        return pa.list_(_small(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(f.name, _small(f.type)) for f in kind])
    return kind


def _schema(schema: pl.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(_arrow(pl.DataFrame(schema=schema)).schema)
