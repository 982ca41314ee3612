"""Workings on NaN, spikes, warmup lengths, the LR finder."""
