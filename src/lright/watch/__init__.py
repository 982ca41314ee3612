"""Watching a training: what it does is recorded row by row and judged while it goes on."""

from __future__ import annotations
