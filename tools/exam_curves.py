"""Draw the four curves of exam question 25: docs/teaching/exam_curves.svg.

    python tools/exam_curves.py

The game is the one of notebook 02's part "Same end, another way": data N(0, 1), a
generator theta + z, a discriminator sigma(a x + b). Its expectations are integrals, so
there is no noise, and each run takes milliseconds.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit as sigmoid

from dcgan_keras.visualization import use_style

TARGET = Path(__file__).parents[1] / "docs" / "teaching" / "exam_curves.svg"
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / np.sqrt(2 * np.pi)


def non_saturating(d: np.ndarray) -> np.ndarray:
    """The slope of -log D over the logit."""
    return d - 1


def saturating(d: np.ndarray) -> np.ndarray:
    """The slope of log(1 - D) over the logit."""
    return -d


def play(
    theta: float,
    pull: Callable = non_saturating,
    d_rate: float = 0.1,
    g_rate: float = 0.1,
    steps: int = 300,
) -> np.ndarray:
    """D's loss and the mean of -log D(G(z)) before each step, shape (steps, 2)."""
    a, b, losses = -theta, theta**2 / 2, []  # D starts as the best one
    for _ in range(steps):
        fake = NODES + theta
        on_real, on_fake = a * NODES + b, a * fake + b
        real_loss = WEIGHTS @ np.logaddexp(0, -on_real)
        fake_loss = WEIGHTS @ np.logaddexp(0, on_fake)
        losses.append((real_loss + fake_loss, WEIGHTS @ np.logaddexp(0, -on_fake)))
        real_pull, fake_pull = 1 - sigmoid(on_real), -sigmoid(on_fake)
        a += d_rate * (WEIGHTS @ (real_pull * NODES + fake_pull * fake))
        b += d_rate * (WEIGHTS @ (real_pull + fake_pull))
        theta -= g_rate * a * (WEIGHTS @ pull(sigmoid(a * fake + b)))
    return np.array(losses)


def runs() -> dict[str, np.ndarray]:
    """The four runs, in the order of the panels."""
    return {
        "P": play(2.0, d_rate=0.005),  # D is twenty times slower
        "Q": play(6.0, saturating),  # G starts far away, with log(1 - D)
        "R": play(2.0),  # healthy
        "S": play(2.0, d_rate=0.0),  # D is never updated
    }


def main() -> None:
    """Draw the panels side by side, with one logarithmic axis for all."""
    use_style()
    plt.rcParams["svg.hashsalt"] = "exam"  # the same file each time
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True)
    for axis, (name, losses) in zip(axes, runs().items(), strict=True):
        axis.semilogy(losses[:, 0], color="#009e73", label="D's loss")
        axis.semilogy(losses[:, 1], color="#d55e00", label="mean of −log D(G(z))")
        axis.axhline(2 * np.log(2), color="0.5", linestyle=":", linewidth=1)
        axis.axhline(np.log(2), color="0.5", linestyle=":", linewidth=1)
        axis.set(title=f"Run {name}", xlabel="step", ylim=(0.004, 30))
    axes[0].set_ylabel("nats")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncol=2)
    figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
