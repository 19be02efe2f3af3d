"""The network of speed.py in eager PyTorch, for comparison only (optional)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn


def make_step(way, precision, batch_size, channels, kernel, latent) -> Callable:
    """A function that makes n steps, in the memory format the way names."""
    last = way == "torch last"
    memory = torch.channels_last if last else torch.contiguous_format
    generator = Generator(channels, kernel, latent).to(memory_format=memory)
    discriminator = _discriminator(channels, kernel).to(memory_format=memory)
    optimizers = [
        torch.optim.Adam(model.parameters(), rate, betas=(0.5, 0.999), fused=True)
        for model, rate in ((generator, 2e-3), (discriminator, 5e-4))
    ]
    real = torch.rand(batch_size, 1, 28, 28).to(memory_format=memory) * 2 - 1
    half = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

    def step():
        with half:
            fake = generator(torch.randn(batch_size, latent))
            real_logits = discriminator(real)
            fake_logits = discriminator(fake.detach())
        loss = F.softplus(-real_logits.float()) + F.softplus(fake_logits.float())
        _update(optimizers[1], loss.mean())
        discriminator.requires_grad_(False)
        with half:
            fake_logits = discriminator(fake)
        _update(optimizers[0], F.softplus(-fake_logits.float()).mean())
        discriminator.requires_grad_(True)

    return lambda n: [step() for _ in range(n)]


def _update(optimizer, loss) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _sizes(kernel: int) -> dict:
    padding = (kernel - 1) // 2
    return {"kernel_size": kernel, "stride": 2, "padding": padding}


class Generator(nn.Module):
    """z -> 7x7 -> 14x14 -> 28x28, BN and ReLU between, tanh at the end."""

    def __init__(self, channels: int, kernel: int, latent: int):
        super().__init__()
        sizes = {**_sizes(kernel), "output_padding": kernel % 2}
        self.dense = nn.Linear(latent, 49 * 2 * channels, bias=False)
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(2 * channels), nn.BatchNorm2d(channels)]
        )
        self.up = nn.ConvTranspose2d(2 * channels, channels, bias=False, **sizes)
        self.image = nn.ConvTranspose2d(channels, 1, **sizes)

    def forward(self, z):
        x = self.dense(z).unflatten(1, (-1, 7, 7))
        if self.up.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        x = F.relu(self.norms[0](x))
        return torch.tanh(self.image(F.relu(self.norms[1](self.up(x)))))


def _discriminator(channels: int, kernel: int) -> nn.Module:
    sizes = _sizes(kernel)
    return nn.Sequential(
        nn.Conv2d(1, channels, **sizes),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels, 2 * channels, **sizes),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(98 * channels, 1),
    )
