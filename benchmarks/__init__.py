"""Re-runnable measurements behind ``docs/benchmarks.md``."""
