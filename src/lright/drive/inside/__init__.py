"""Inside the process of a script that is not ours: `python -m lright.drive.inside JOB` runs it under instruments."""

from __future__ import annotations
