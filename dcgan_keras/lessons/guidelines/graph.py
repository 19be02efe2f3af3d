"""A Keras model as the graph of its layers, nested models unpacked."""

from collections.abc import Callable, Iterator

from dcgan_keras._tensorflow import keras

# Layers and operations that apply a function to each number.
ACTIVATIONS = frozenset(
    {"ReLU", "LeakyReLU", "FastLeakyReLU", "PReLU", "ELU", "Softmax", "Activation"}
    | {"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "Tanh", "Sigmoid"}
    | {"HardSigmoid", "HardSilu", "Softplus", "Softsign", "Mish"}
)
# Layers behind which stand the same numbers, or some of them.
SAME_VALUES = frozenset(
    {"Activation", "Reshape", "Flatten", "Permute", "Cropping2D", "Identity"}
)


class Node:
    """One use of a layer: what it is, and its neighbours in the graph."""

    def __init__(self, layer):
        self.layer = layer
        self.preceding: list[Node] = []
        self.following: list[Node] = []

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def kind(self) -> str:
        return type(self.layer).__name__

    @property
    def has_kernel(self) -> bool:
        """A convolution or a fully connected layer, of whatever kind."""
        return "Conv" in self.kind or self.kind in ("Dense", "EinsumDense")

    @property
    def is_norm(self) -> bool:
        return self.kind.endswith("BatchNormalization")

    @property
    def strides(self) -> tuple[int, ...]:
        strides = getattr(self.layer, "strides", (1,))
        return (strides,) if isinstance(strides, int) else tuple(strides)


def read(model: keras.Model, argument: str) -> list[Node]:
    """The layers from the model's inputs to its outputs, each use of one a node.

    Args:
        model: Sequential or functional, built.
        argument: what to call it in the error.

    Raises:
        ValueError: the model has no graph.
    """
    try:
        inputs, outputs = list(model.inputs), list(model.outputs)
    except (AttributeError, ValueError, TypeError):
        inputs = outputs = []
    if not outputs:
        raise ValueError(
            f"{argument}: expected a Sequential or functional model that is built, "
            f"got {type(model).__name__} {model.name!r}, whose layers have no order "
            "that could be read"
        )
    nodes: dict[tuple, Node] = {}
    _follow(outputs, {id(tensor): None for tensor in inputs}, (), nodes)
    return list(nodes.values())


def _follow(outputs, inputs: dict, place: tuple, nodes: dict) -> "list[Node | None]":
    """The nodes that symbolic tensors come from; None for the whole model's inputs.

    Args:
        outputs: tensors of one model, nested or not.
        inputs: id of each of its input tensors -> the node behind it.
        place: the uses of the models that this one lies in.
        nodes: all nodes by their place, to which new ones are added.
    """
    found, waiting = dict(inputs), list(outputs)
    while waiting:
        tensor = waiting[-1]
        operation, index, position = tensor._keras_history
        tensors = operation._inbound_nodes[index].input_tensors
        missing = [each for each in tensors if id(each) not in found]
        if id(tensor) in found or not missing:
            waiting.pop()
        if id(tensor) in found:
            continue
        if missing:
            waiting += missing
            continue
        preceding = [found[id(each)] for each in tensors]
        key = (*place, id(operation), index)
        if _is_model(operation):
            inside = dict(zip(map(id, operation.inputs), preceding, strict=False))
            ends = _follow([operation.outputs[position]], inside, key, nodes)
            found[id(tensor)] = ends[0]
        else:
            found[id(tensor)] = nodes.get(key) or _add(operation, preceding, key, nodes)
    return [found[id(tensor)] for tensor in outputs]


def _is_model(operation) -> bool:
    return isinstance(operation, keras.Model) and bool(
        getattr(operation, "outputs", None)
    )


def _add(operation, preceding, key: tuple, nodes: dict) -> Node:
    nodes[key] = Node(operation)
    for node in filter(None, preceding):
        nodes[key].preceding.append(node)
        node.following.append(nodes[key])
    return nodes[key]


def above(node: Node) -> Iterator[Node]:
    """Every node that leads to this one."""
    return _walk(node, "preceding", lambda _: False)


def before(node: Node) -> Iterator[Node]:
    """The layers with a kernel that lead to this one."""
    return (n for n in above(node) if n.has_kernel)


def behind(node: Node) -> Iterator[Node]:
    """The layers with a kernel that this one leads to."""
    return (n for n in _walk(node, "following", lambda _: False) if n.has_kernel)


def until(node: Node, stops: Callable[[Node], bool]) -> Iterator[Node]:
    """What follows on every path, the nodes where each path stops among them."""
    return _walk(node, "following", stops)


def until_kernel(node: Node) -> Iterator[Node]:
    """What follows, on every path, before the next layer with a kernel."""
    reached = until(node, lambda n: n.has_kernel)
    return (n for n in reached if not n.has_kernel)


def _walk(node: Node, direction: str, stops: Callable) -> Iterator[Node]:
    seen, waiting = set(), list(getattr(node, direction))
    while waiting:
        found = waiting.pop(0)
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            if not stops(found):
                waiting.extend(getattr(found, direction))
