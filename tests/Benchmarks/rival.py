#!/usr/bin/env python3
"""PyTorch at its best on processors: Conv2d, channels_last, Adam. Prints figures on one line, the last the peak memory.

  rival.py train LAYERS.json C H W BATCH THREADS SECONDS [PROCESSES]   images/s, bytes
  rival.py infer LAYERS.json C H W BATCH THREADS SECONDS               images/s, bytes
  rival.py layer IN OUT SIDE THREADS SECONDS                           ms: forward, input and weight gradient; bytes

LAYERS.json is a model in this project's own form. With PROCESSES above 1: DistributedDataParallel over gloo on this
machine; THREADS and BATCH are each one's. Exit code 3: torch has no gloo.
A transposed convolution of stride 1 is a convolution with flipped, swapped weights, so Conv2d stands for it: PyTorch's
own ConvTranspose2d is many times slower on processors.
"""
import json
import os
import resource
import socket
import subprocess
import sys
import time

import torch
from torch import nn

task = sys.argv[1]


class SkipConcat(nn.Sequential):
    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class NoiseLevelMap(nn.Module):
    """A channel that is the noise level everywhere; the level is given, since estimating it costs nothing to speak of."""

    def forward(self, x):
        return torch.cat([x, torch.full_like(x[:, :1], 0.1)], 1)


def layer(spec):
    spec = {"type": spec} if isinstance(spec, str) else dict(spec)
    kind = spec.pop("type")
    if kind in ("Sequential", "SkipConcat", "Residual"):
        return {"Sequential": nn.Sequential, "SkipConcat": SkipConcat, "Residual": Residual}[kind](
            *map(layer, spec["inner"]))
    if kind == "ConvTranspose2d" and spec["stride"] == 1:
        spec["padding"] = spec["kernel_size"] - 1 - spec["padding"]
        spec.pop("output_padding", None)
        return nn.Conv2d(**spec)
    if kind == "NoiseLevelMap":
        return NoiseLevelMap()
    if kind == "NearestUpsample2d":
        return nn.Upsample(scale_factor=spec.get("scale_factor", 2), mode="nearest")
    return getattr(nn, kind)(**spec)


def measure(step, seconds):
    """Seconds a call, after up to three calls to warm up; after one, if they are long."""
    count, start = 0, time.perf_counter()
    while count == 0 or (count < 3 and time.perf_counter() - start < seconds):
        step()
        count += 1
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return (time.perf_counter() - start) / count


def finish(*figures):
    print(*figures, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def random(*shape):
    return torch.rand(*shape).contiguous(memory_format=torch.channels_last)


if task == "layer":
    inputs, outputs, side, threads = map(int, sys.argv[2:6])
    seconds = float(sys.argv[6])
    torch.set_num_threads(threads)
    batch = 8
    x, w, b = random(batch, inputs, side, side), random(outputs, inputs, 3, 3), torch.rand(outputs)
    dy = random(batch, outputs, side, side)
    mask = lambda which: lambda: torch.ops.aten.convolution_backward(
        dy, x, w, [outputs], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, which)
    forward = lambda: torch.nn.functional.conv2d(x, w, b, padding=1)
    with torch.no_grad():
        times = [measure(each, seconds) * 1000 / batch
                 for each in (forward, mask([True, False, False]), mask([False, True, True]))]
    finish(*times)
    sys.exit(0)

layers, channels, height, width, batch, threads = sys.argv[2], *map(int, sys.argv[3:8])
seconds = float(sys.argv[8])
processes = int(sys.argv[9]) if len(sys.argv) > 9 else 1
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

with open(layers) as file:
    net = nn.Sequential(*map(layer, json.load(file)))
is_image = height * width > 1
if is_image:
    net = net.to(memory_format=torch.channels_last)
    x = random(batch, channels, height, width)
else:
    x = torch.rand(batch, channels)

if task == "infer":
    net.eval()
    with torch.no_grad():
        finish(batch / measure(lambda: net(x), seconds))
    sys.exit(0)

if processes > 1:
    net = nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
with torch.no_grad():
    y = net(x)
targets = torch.rand_like(y) if is_image else torch.randint(y.shape[1], (batch,))
loss = nn.functional.mse_loss if is_image else nn.functional.cross_entropy


def step():
    optimizer.zero_grad()
    loss(net(x), targets).backward()
    optimizer.step()


if processes == 1:
    finish(batch / measure(step, seconds))
else:
    # Everybody does as many steps: rank 0 says how many from the time of a few.
    for _ in range(3):
        step()
    start = time.perf_counter()
    for _ in range(3):
        step()
    steps = torch.tensor([max(1, int(seconds * 3 / (time.perf_counter() - start)))])
    dist.broadcast(steps, 0)
    start = time.perf_counter()
    for _ in range(int(steps)):
        step()
    dist.barrier()
    if os.environ["RANK"] == "0":
        finish(int(steps) * processes * batch / (time.perf_counter() - start))
