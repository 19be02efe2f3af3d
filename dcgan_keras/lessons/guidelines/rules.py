"""The DCGAN guidelines as a check that reads two models, whoever built them.

Every layer is taken from the model's graph, nested models unpacked, and judged by
what it does: an activation by its values, an output's range by the layers behind it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dcgan_keras._tensorflow import keras
from dcgan_keras.lessons.guidelines import graph
from dcgan_keras.lessons.guidelines.graph import Node

PROBE = np.array([-8, -4, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 8], np.float32)
NAMED = 3  # layers that a line names before it says "and n more"


class Finding(NamedTuple):
    """One guideline, read off one player.

    Attributes:
        player: "G" or "D".
        rule: the guideline.
        broken_by: a remark for each layer that breaks it, beginning with the layer's
            name; empty where it is kept.
    """

    player: str
    rule: str
    broken_by: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return not self.broken_by


class Report(tuple):
    """The findings in order; printed, a table with one line a guideline."""

    @property
    def broken(self) -> list[Finding]:
        return [finding for finding in self if not finding.kept]

    def __str__(self) -> str:
        lines = []
        for player, rule, remarks in self:
            rest = f"; and {len(remarks) - NAMED} more" if len(remarks) > NAMED else ""
            said = "BROKEN  " + "; ".join(remarks[:NAMED]) + rest
            lines.append(f"{player}  {rule:33} {said if remarks else 'kept'}")
        return "\n".join(lines)

    __repr__ = __str__  # what a notebook shows for a last line


def check_guidelines(generator: keras.Model, discriminator: keras.Model) -> Report:
    """Read both players and say of each guideline whether it is kept, or by what not.

    G's first fully connected layer (project and reshape) and D's last one (the
    answer) are no hidden layers. BN is expected behind every hidden layer with
    weights but D's first. Whether a model that breaks a guideline can be trained is
    another question: any CNN can be D.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C), Sequential or functional.
        discriminator: (N, H, W, C) -> (N, 1), Sequential or functional.

    Returns:
        A ``Report``: 13 findings, six or seven a player; ``report.broken`` are those
        not kept, ``print(report)`` is a table.

    Raises:
        ValueError: a model without a graph: a subclass of ``keras.Model`` with a
            ``call`` of its own, or one that is not built yet.

    Example:
        >>> check_guidelines(build_generator(), build_discriminator()).broken
        []

    Source: Radford et al. 2015, section 3; S23 slide 17; notebook 05.
    """
    g = graph.read(generator, "generator")
    d = graph.read(discriminator, "discriminator")
    rules = [
        ("G", "strides up, no fixed upsampling", _fixed_scaling(g, is_up=True)),
        ("D", "strides down, no pooling", _fixed_scaling(d, is_up=False)),
        ("G", "BN behind every hidden layer", _without_norm(_hidden(g))),
        ("D", "BN behind hidden layers 2, 3, …", _without_norm(_inner(d))),
        ("G", "no BN at the output", _norm_at_output(g)),
        ("D", "no BN at the input", _norm_at_input(d)),
        ("G", "no fully connected hidden layer", _dense(g, graph.before)),
        ("D", "no fully connected hidden layer", _dense(d, graph.behind)),
        ("G", "ReLU in hidden layers", _other_activation(_hidden(g), "ReLU")),
        (
            "D",
            "leaky ReLU in all hidden layers",
            _other_activation(_hidden(d), "leaky ReLU"),
        ),
        ("G", "tanh at the output", _other_activation(_last(g), "tanh")),
        ("G", "images in [-1, 1]", _other_range(g)),
        ("D", "one answer, no softmax", _other_answer(d, discriminator)),
    ]
    return Report(Finding(*rule[:2], tuple(rule[2])) for rule in rules)


# Which layers ----------------------------------------------------------------


def _first(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in nodes if n.has_kernel and not any(graph.before(n))]


def _last(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in nodes if n.has_kernel and not any(graph.behind(n))]


def _hidden(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in nodes if n.has_kernel and any(graph.behind(n))]


def _inner(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in _hidden(nodes) if any(graph.before(n))]


# The guidelines --------------------------------------------------------------


def _fixed_scaling(nodes: Sequence[Node], is_up: bool) -> Iterator[str]:
    fixed = ("Pooling", "UpSampling", "Resizing", "Resize")
    for node in nodes:
        if any(word in node.kind for word in fixed):
            yield f"{node.name} ({node.kind}) scales by a fixed rule"
    strided = [n for n in nodes if "Conv" in n.kind and max(n.strides) > 1]
    if not any(("Transpose" in n.kind) == is_up for n in strided):
        wanted = "transposed convolution" if is_up else "convolution"
        yield f"no {wanted} with a stride above 1"


def _without_norm(layers: Sequence[Node]) -> Iterator[str]:
    for node in layers:
        if not any(n.is_norm for n in graph.until_kernel(node)):
            yield f"{node.name} has none"


def _norm_at_output(nodes: Sequence[Node]) -> Iterator[str]:
    for last in _last(nodes):
        for node in graph.until_kernel(last):
            if node.is_norm:
                yield f"{node.name} fixes each batch's mean and contrast"


def _norm_at_input(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if node.is_norm and not any(n.has_kernel for n in graph.above(node)):
            yield f"{node.name} normalizes the images"
    for first in _first(nodes):
        for node in graph.until_kernel(first):
            if node.is_norm:
                yield f"{node.name} normalizes the first layer, {first.name}"


def _dense(nodes: Sequence[Node], others) -> Iterator[str]:
    """others: in G what lies before an allowed layer, in D what lies behind it."""
    for node in nodes:
        if node.kind == "Dense" and any(others(node)):
            yield f"{node.name} is one ({node.layer.units} units)"


def _other_activation(nodes: Sequence[Node], wanted: str) -> Iterator[str]:
    """The layers behind which the first activation, on any path, is another one."""
    said = set()
    for node in nodes:
        found = list(_activations_behind(node))
        for place, name in found or [(node, "none")]:
            if name != wanted and place.name not in said:
                said.add(place.name)
                yield f"{place.name} is {name}" if found else f"{place.name} has none"


def _activations_behind(node: Node) -> Iterator[tuple[Node, str]]:
    """The first activation on each path from a layer with weights to the next."""
    own = activation_of(node)
    if own:
        yield node, own
        return
    for following in graph.until(node, lambda n: n.has_kernel or activation_of(n)):
        if not following.has_kernel and activation_of(following):
            yield following, activation_of(following)


def activation_of(node: Node) -> str | None:
    """What a layer applies to each number: "ReLU", "leaky ReLU", "tanh"...; or None.

    Judged by its values, so a ReLU by any name is one. None: linear, or no activation.
    """
    layer = node.layer
    function = getattr(layer, "activation", None)
    if function is None and node.kind not in graph.ACTIVATIONS:
        return None
    if node.kind in ("PReLU", "Softmax"):  # weights of their own; not each number
        return node.kind
    name = getattr(function, "__name__", node.kind)
    if name == "softmax":
        return name
    if name.lower() == "relu":
        name = "a ReLU with a twist"  # unless its values say otherwise
    out = np.asarray((function or layer)(keras.ops.convert_to_tensor(PROBE)))
    return _name_of(out) or (None if np.array_equal(out, PROBE) else name)


def _name_of(out: np.ndarray) -> str | None:
    """The activation that sends PROBE to these values."""
    slope = out[0] / PROBE[0]
    known = {
        "ReLU": np.maximum(PROBE, 0),
        "tanh": np.tanh(PROBE),
        "sigmoid": 1 / (1 + np.exp(-PROBE)),
        "leaky ReLU": np.where(PROBE < 0, slope * PROBE, PROBE),
    }
    for name, values in known.items():
        if np.allclose(out, values, atol=1e-5):
            return None if name == "leaky ReLU" and not 0 < slope < 1 else name
    return None


RANGES = {
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "ReLU": (0.0, np.inf),
}


def _range(node: Node) -> tuple[float, float]:
    """What can come out, by the layers alone: unbounded where that cannot be known."""
    name = activation_of(node)
    if name:
        return RANGES.get(name, (-np.inf, np.inf))
    if node.kind == "Rescaling" and node.preceding:
        low, high = _range(node.preceding[0])
        ends = [node.layer.scale * end + node.layer.offset for end in (low, high)]
        return min(ends), max(ends)
    if node.kind in graph.SAME_VALUES and node.preceding:
        return _range(node.preceding[0])
    return -np.inf, np.inf


def _other_range(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if not node.following:
            low, high = _range(node)
            if not np.allclose((low, high), (-1, 1)):
                yield f"{node.name} gives ({low:g}, {high:g})"


def _other_answer(nodes: Sequence[Node], model: keras.Model) -> Iterator[str]:
    for node in nodes:
        if not node.following and tuple(model.output_shape[1:]) != (1,):
            shape = "×".join(map(str, model.output_shape[1:]))
            yield f"{node.name} gives {shape} numbers an image"
    for last in _last(nodes):
        for place, name in _activations_behind(last):
            if name not in ("sigmoid", "linear"):
                yield f"{place.name} is {name}"
