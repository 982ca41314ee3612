"""Unit tests: what is built wrongly there is meant to fail."""
import unittest

import pytest
import torch
from torch.optim.lr_scheduler import ConstantLR, LinearLR, OneCycleLR


class SchedulerTest(unittest.TestCase):
    def setUp(self):
        self.optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1)

    def test_factor(self):
        with self.assertRaises(ValueError):
            ConstantLR(self.optimizer, factor=99)

    def test_start(self):
        with pytest.raises(ValueError):
            LinearLR(self.optimizer, start_factor=0)

    def test_total(self):
        scheduler = OneCycleLR(self.optimizer, max_lr=0.1, total_steps=5)
        for _ in range(5):
            self.optimizer.step()
            scheduler.step()
        with self.assertRaisesRegex(ValueError, "Tried to step"):
            self.optimizer.step()
            scheduler.step()
            scheduler.step()
