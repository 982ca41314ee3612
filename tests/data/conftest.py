"""Scripts that are checked, never collected."""

collect_ignore_glob = ["traps/*", "truth/*"]
