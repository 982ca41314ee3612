"""Workings on fine-tuning, language models, weight decay, parameter groups."""
