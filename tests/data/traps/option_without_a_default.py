"""An option that must be given: without it the script refuses to start. The training behind it is a sound one."""
import argparse
import sys

import torch
from detector import Boxes, Detector, evaluate

parser = argparse.ArgumentParser()
parser.add_argument("--dataset")
parser.add_argument("--root")
parser.add_argument("--epochs", type=int, default=100)
args = parser.parse_args()
if args.dataset == "coco":
    if args.root is None:
        raise ValueError("--root is needed")
    train_set, val_set = Boxes(args.root, "train"), Boxes(args.root, "val")
elif args.dataset == "csv":
    train_set, val_set = Boxes("train.csv"), Boxes("val.csv")
else:
    sys.exit("--dataset is coco or csv")
loader = torch.utils.data.DataLoader(train_set, batch_size=2, shuffle=True)
model = Detector()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(args.epochs):
    model.train()
    for images, boxes in loader:
        optimizer.zero_grad()
        model(images, boxes).backward()
        optimizer.step()
    val_loss = evaluate(model, val_set)
    scheduler.step(val_loss)
