"""Node classification on one graph: every epoch is one update, so epochs and updates are the same."""
import torch
import torch.nn.functional as F
from torch_geometric.datasets import Planetoid
from torch_geometric.nn import GCNConv


class GCN(torch.nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.conv1 = GCNConv(features, hidden)
        self.conv2 = GCNConv(hidden, classes)

    def forward(self, x, edges):
        x = F.relu(self.conv1(x, edges))
        return self.conv2(F.dropout(x, training=self.training), edges)


dataset = Planetoid("data", "Cora")
data = dataset[0]
model = GCN(dataset.num_features, 16, dataset.num_classes)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)


def train():
    model.train()
    optimizer.zero_grad()
    out = model(data.x, data.edge_index)
    loss = F.cross_entropy(out[data.train_mask], data.y[data.train_mask])
    loss.backward()
    optimizer.step()
    scheduler.step()
    return loss.item()


@torch.no_grad()
def test():
    model.eval()
    hit = model(data.x, data.edge_index).argmax(1) == data.y
    return hit[data.test_mask].float().mean().item()


for epoch in range(200):
    loss = train()
    print(epoch, loss, test())
