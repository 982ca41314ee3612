"""Observers turn what they see into facts and a timeline."""
