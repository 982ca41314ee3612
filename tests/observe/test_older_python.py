"""Scripts from before ``async`` was a keyword are read as they were meant."""

from __future__ import annotations

import pytest

from lright.doctor import check_source
from lright.errors import ReadError

SCRIPT = """\
import torch
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50000, 10)), batch_size=128)
model = torch.nn.Linear(10, 2).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60])
for epoch in range(90):
    for (x,) in loader:
        optimizer.zero_grad()
        model(x.cuda(async=True)).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
"""


def test_async_as_a_keyword_argument_is_read() -> None:
    report = check_source(SCRIPT, "train.py")
    assert [(finding.rule, finding.place.line) for finding in report.findings] == [("LR101", 11)]
    assert report.findings[0].fix is not None


@pytest.mark.parametrize("source", ["async = 1\nx = = 2\n", "async def f(:\n    pass\n", "x = (async\n"])
def test_what_was_never_python_is_still_refused(source: str) -> None:
    with pytest.raises(ReadError, match="not valid Python"):
        check_source(source, "train.py")
