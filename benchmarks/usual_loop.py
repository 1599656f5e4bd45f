"""The loop that most repositories have: images in folders, PIL, a DataLoader, float32.

It is the baseline of `training`, so it uses the same optimiser, schedule, loss and number of
epochs; what differs is how images reach the network and how the step is computed.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torchvision import transforms
from torchvision.datasets import ImageFolder

from mer_utils import augment
from mer_utils.training import TrainingOptions
from mer_utils.training.steps import learning_rate_factor


def write_folder(images: np.ndarray, labels: np.ndarray, classes: int, folder: Path) -> Path:
    """Write (n, h, w, 3) views as PNG files, one folder per class, as `ImageFolder` reads them.

    The views have the size that the network takes: nothing is left to resize, which is in
    this loop's favour.
    """
    for label in range(classes):
        (folder / f"{label:02d}").mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / f"{label:02d}" / f"{number:05d}.png")
    return folder


def dataset(
    folder: Path, mean: torch.Tensor, std: torch.Tensor, spatial: str = "none"
) -> ImageFolder:
    """Read the images of a folder, one at a time, through PIL transforms."""
    steps: list = []
    if augment.flip in augment.SPATIAL[spatial]:
        steps.append(transforms.RandomHorizontalFlip(augment.FLIP_PROBABILITY))
    if augment.rotation in augment.SPATIAL[spatial]:
        bilinear = transforms.InterpolationMode.BILINEAR
        # Grey is what zero becomes once images are scaled, as in our own rotation.
        grey = tuple(int(255 * m) for m in mean.flatten())
        steps.append(transforms.RandomRotation(augment.MAX_ROTATION_DEGREES, bilinear, fill=grey))
    steps += [transforms.ToTensor(), transforms.Normalize(mean.flatten(), std.flatten())]
    return ImageFolder(str(folder), transforms.Compose(steps), allow_empty=True)


def train(
    model: nn.Module,
    images: ImageFolder,
    options: TrainingOptions,
    *,
    seed: int = 0,
    workers: int = 0,
) -> list[float]:
    """Train in place; return the mean loss of each epoch."""
    torch.manual_seed(seed)
    model.train()
    # A last batch of one image would stop batch normalisation; only then is it dropped.
    drop = len(images) % options.batch_size == 1
    loader = torch.utils.data.DataLoader(
        images, options.batch_size, shuffle=True, num_workers=workers, drop_last=drop
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    total = options.epochs * math.ceil(len(images) / options.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, total, options.warmup_fraction)
    )
    losses = []
    for _epoch in range(options.epochs):
        summed, shown = 0.0, 0
        for x, y in loader:
            loss = functional.cross_entropy(model(x), y, label_smoothing=options.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), options.gradient_clip)
            optimizer.step()
            schedule.step()
            summed, shown = summed + loss.item() * len(x), shown + len(x)
        losses.append(summed / shown)
    return losses
