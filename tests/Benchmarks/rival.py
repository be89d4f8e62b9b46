#!/usr/bin/env python3
"""Times one training configuration in PyTorch, at its best: Conv2d only, channels_last, Adam. Prints images/s.

Use: rival.py MODEL BATCH THREADS SECONDS [ddp PROCESSES]
With ddp: DistributedDataParallel over gloo in so many processes on this machine; THREADS and BATCH are each one's.
Exit code 3: torch has no gloo.
A transposed convolution of stride 1 is a convolution with flipped, swapped weights, so Conv2d stands for it: PyTorch's
own ConvTranspose2d is many times slower on processors.
"""
import os
import subprocess
import socket
import sys
import time

import torch
from torch import nn

model, batch, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
processes = int(sys.argv[6]) if sys.argv[5:6] == ["ddp"] else 1
torch.set_num_threads(threads)

if processes > 1:
    import torch.distributed as dist

    if not dist.is_available() or not hasattr(dist, "ProcessGroupGloo"):
        print("torch has no gloo", file=sys.stderr)
        sys.exit(3)
    if "RANK" not in os.environ:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        common = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE=str(processes))
        ranks = [subprocess.Popen([sys.executable] + sys.argv, env=dict(common, RANK=str(i))) for i in range(processes)]
        sys.exit(max(rank.wait() for rank in ranks))
    dist.init_process_group("gloo")


class SkipConcat(nn.Sequential):
    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


def conv(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def build():
    if model == "n2n-initial":
        return nn.Sequential(
            conv(3, 32), nn.ReLU(), conv(32, 32), nn.ReLU(), conv(32, 32), nn.ReLU(), conv(32, 3), nn.Sigmoid())
    if model == "n2n-final":
        skip = SkipConcat(conv(100, 100), nn.ReLU(), conv(100, 100), nn.ReLU())
        return nn.Sequential(conv(3, 100), nn.ReLU(), skip, conv(200, 3), nn.Sigmoid())
    sys.exit(f"no such model: {model}")


net = build().to(memory_format=torch.channels_last)
if processes > 1:
    net = nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
inputs = torch.rand(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
targets = torch.rand(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)


def step():
    optimizer.zero_grad()
    nn.functional.mse_loss(net(inputs), targets).backward()
    optimizer.step()


for _ in range(3):
    step()
count = 0
if processes == 1:
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        count += 1
else:
    # Everybody does as many steps: rank 0 says how many from the time of a few.
    start = time.perf_counter()
    for _ in range(3):
        step()
    steps = torch.tensor([max(1, int(seconds * 3 / (time.perf_counter() - start)))])
    dist.broadcast(steps, 0)
    start = time.perf_counter()
    for _ in range(int(steps)):
        step()
        count += 1
    dist.barrier()
if processes == 1 or os.environ["RANK"] == "0":
    print(count * processes * batch / (time.perf_counter() - start))
