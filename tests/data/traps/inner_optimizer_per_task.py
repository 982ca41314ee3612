"""Meta-learning: an inner optimizer is made for every task, the schedule belongs to the outer one."""
import torch, copy
from torch import nn
from mine import Tasks, Net
net = Net()
meta_opt = torch.optim.Adam(net.parameters(), lr=1e-3)
meta_sched = torch.optim.lr_scheduler.CosineAnnealingLR(meta_opt, T_max=60000, eta_min=1e-5)
tasks = Tasks(n_way=5)
for it in range(60000):
    meta_opt.zero_grad()
    for task in tasks.sample(4):
        fast = copy.deepcopy(net)
        inner = torch.optim.SGD(fast.parameters(), lr=0.01)
        for _ in range(5):
            loss = nn.functional.cross_entropy(fast(task.xs), task.ys)
            inner.zero_grad(); loss.backward(); inner.step()
        q = nn.functional.cross_entropy(fast(task.xq), task.yq)
        q.backward()
        for p, f in zip(net.parameters(), fast.parameters()):
            p.grad = f.grad if p.grad is None else p.grad + f.grad
    meta_opt.step()
    meta_sched.step()
