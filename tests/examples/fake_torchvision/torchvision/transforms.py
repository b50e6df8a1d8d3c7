"""Compose, ToTensor and Normalize for arrays (height, width, channel) of uint8."""

from __future__ import annotations

import torch


class Compose:
    def __init__(self, steps) -> None:
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class ToTensor:
    def __call__(self, image) -> torch.Tensor:
        return torch.from_numpy(image.transpose(2, 0, 1).copy()).float() / 255.0


class Normalize:
    def __init__(self, mean, std) -> None:
        self.mean = torch.tensor(mean)[:, None, None]
        self.std = torch.tensor(std)[:, None, None]

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        return (image - self.mean) / self.std
