"""Workings on RL, GAN, diffusion, graphs, tables, time series; what is no LR problem."""
