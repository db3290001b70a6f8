"""Where queries run: DuckDB in process, or Spark."""
