"""Workings on what single schedulers do: steps, cosines, restarts, one cycle, plateau."""
