#!/usr/bin/env python3
"""Times one training configuration in PyTorch, at its best: Conv2d only, channels_last, Adam. Prints images/s.

Use: rival.py MODEL BATCH THREADS SECONDS
A transposed convolution of stride 1 is a convolution with flipped, swapped weights, so Conv2d stands for it: PyTorch's
own ConvTranspose2d is many times slower on processors.
"""
import sys
import time

import torch
from torch import nn

model, batch, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
torch.set_num_threads(threads)


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
start = time.perf_counter()
while time.perf_counter() - start < seconds:
    step()
    count += 1
print(count * batch / (time.perf_counter() - start))
