"""Workings on batch size, accumulation, processes, resuming, trainers."""
