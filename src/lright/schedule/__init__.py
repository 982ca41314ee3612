"""Schedules as pure functions: shapes, phases, their text and JSON forms; emulation of other schedulers."""
