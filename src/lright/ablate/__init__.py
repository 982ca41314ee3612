"""What would another schedule gain? Schedules x peaks x seeds on an unmodified script, paired and judged.

plan: what is to be run; engines: where; store: what is kept; stats, compare: what it says; report: how it is told.
"""
