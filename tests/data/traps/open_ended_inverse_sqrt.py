"""The original Transformer schedule has no end; training stops when somebody stops it."""
import torch

from translation import Seq2Seq, endless_batches

width, warmup = 512, 4000
model = Seq2Seq(width)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: width**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5)
)
for batch in endless_batches():
    optimizer.zero_grad()
    model.loss(batch).backward()
    optimizer.step()
    scheduler.step()
