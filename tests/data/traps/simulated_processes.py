"""A round-robin process scheduler with a step() method."""
from collections import deque


class Scheduler:
    def __init__(self, quantum):
        self.queue = deque()
        self.quantum = quantum

    def add(self, name, work):
        self.queue.append([name, work])

    def step(self, epoch=None):
        name, work = self.queue.popleft()
        work -= self.quantum
        if work > 0:
            self.queue.append([name, work])
        return name


scheduler = Scheduler(quantum=3)
for n in range(4):
    scheduler.add(f"p{n}", 5 + n)
while scheduler.queue:
    for _ in range(2):
        if scheduler.queue:
            print(scheduler.step())
