#!/usr/bin/env python3
"""How well a trained denoiser does on photographs that no training saw, beside non-local means.

    photographs.py COORDINATOR.dll RUN [--choose] [--keep DIR]

Photographs of Debian's packages python3-skimage and mate-backgrounds (apt-get install them, and python3-numpy), each
scaled and cut to 320 x 320 as below, with normal noise of 15, 25 and 50 of 255 from fixed seeds, not clipped. The rival
is scikit-image's denoise_nl_means with patches of 5, a distance of 9, h = 0.4 sigma and the true sigma; both results are
clipped. A row a picture: PSNR of non-local means, of the network, and the difference; then the means of a level.
--choose takes the four photographs that settings were chosen on, instead of the seven to report on.
"""

import argparse
import os
import subprocess
import tempfile

import numpy as np
import skimage
from skimage.io import imread
from skimage.restoration import denoise_nl_means

SIDE = 320
LEVELS = (15, 25, 50)
DATA = os.path.join(os.path.dirname(skimage.__file__), "data")
NATURE = "/usr/share/backgrounds/mate/nature"

# File, every how many pixels one is the mean of, first row and column of the window then.
CHOOSE = [
    (f"{DATA}/astronaut.png", 1, 60, 150),
    (f"{DATA}/coffee.png", 1, 60, 150),
    (f"{DATA}/rocket.jpg", 1, 60, 200),
    (f"{DATA}/motorcycle_left.png", 1, 100, 200),
]
REPORT = [
    (f"{DATA}/chelsea.png", 1, 0, 60),
    (f"{DATA}/hubble_deep_field.jpg", 1, 200, 300),
    (f"{DATA}/retina.jpg", 2, 150, 200),
    (f"{NATURE}/Dune.jpg", 3, 100, 150),
    (f"{NATURE}/Garden.jpg", 3, 20, 100),
    (f"{NATURE}/LadyBird.jpg", 3, 20, 100),
    (f"{NATURE}/Storm.jpg", 3, 20, 100),
]


def photograph(path, shrink, top, left):
    picture = imread(path)[..., :3].astype(np.float64) / 255
    height, width = (length // shrink * shrink for length in picture.shape[:2])
    picture = picture[:height, :width].reshape(height // shrink, shrink, width // shrink, shrink, 3).mean((1, 3))
    window = picture[top:top + SIDE, left:left + SIDE].astype(np.float32)
    return window[:window.shape[0] // 8 * 8, :window.shape[1] // 8 * 8]


def psnr(picture, clean):
    return -10 * np.log10(np.mean((np.clip(picture, 0, 1) - clean) ** 2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("coordinator")
    parser.add_argument("run")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    photographs = CHOOSE if arguments.choose else REPORT
    folder = arguments.keep or tempfile.mkdtemp()
    noisy, denoised = os.path.join(folder, "noisy"), os.path.join(folder, "denoised")
    os.makedirs(noisy, exist_ok=True)
    pictures = {}
    for index, (path, *place) in enumerate(photographs):
        clean = photograph(path, *place)
        name = os.path.splitext(os.path.basename(path))[0]
        for level in LEVELS:
            noise = np.random.default_rng(1000 * level + index).normal(size=clean.shape)
            picture = (clean + level / 255 * noise).astype(np.float32)
            np.save(f"{noisy}/{name}-{level}.npy", np.ascontiguousarray(picture.transpose(2, 0, 1))[None])
            pictures[name, level] = clean, picture
    subprocess.run(
        ["dotnet", arguments.coordinator, "denoise", "--run", arguments.run, noisy, denoised, "--force"],
        check=True, stdout=subprocess.DEVNULL)
    gains = {level: [] for level in LEVELS}
    print(f"{'photograph':<20}" + "".join(f"{level:>8} nlm{'net':>8}{'gain':>7}{'shift':>8}" for level in LEVELS))
    for name in dict.fromkeys(name for name, _ in pictures):
        row = f"{name:<20}"
        for level in LEVELS:
            clean, picture = pictures[name, level]
            sigma = level / 255
            rival = denoise_nl_means(
                picture, patch_size=5, patch_distance=9, h=0.4 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
            ours = np.load(f"{denoised}/{name}-{level}.npy").reshape(3, *clean.shape[:2]).transpose(1, 2, 0)
            gains[level].append(psnr(ours, clean) - psnr(rival, clean))
            shift = np.abs((ours - clean).mean((0, 1))).max()
            row += f"{psnr(rival, clean):>12.2f}{psnr(ours, clean):>8.2f}{gains[level][-1]:>+7.2f}{shift:>8.4f}"
        print(row)
    print("mean gain           " + "".join(f"{np.mean(gains[level]):>+27.2f}        " for level in LEVELS)
          + f" all {np.mean(list(gains.values())):+.2f} dB")


main()
