"""Scripts that are checked or run, never collected."""

collect_ignore_glob = ["scripts/*", "traps/*", "truth/*"]
