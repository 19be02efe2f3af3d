"""The guidelines: the paper's models keep all, and each broken one is named."""

import numpy as np
import pytest

from dcgan_keras import keras
from dcgan_keras.composite import build_gan
from dcgan_keras.lessons.guidelines import graph
from dcgan_keras.lessons.guidelines.rules import check_guidelines
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.training import recipe

L = keras.layers


def transposed(filters, name, strides=2, **options):
    return L.Conv2DTranspose(
        filters, 4, strides=strides, padding="same", name=name, **options
    )


def conv(filters, name, strides=2, **options):
    return L.Conv2D(filters, 4, strides=strides, padding="same", name=name, **options)


def norm(name):
    return L.BatchNormalization(name=name)


def generator_layers():
    """A sound G for 16x16x1 in the paper's order, by layer name."""
    layers = [
        L.Dense(4 * 4 * 4, name="project"),
        L.Reshape((4, 4, 4), name="reshape"),
        norm("bn0"),
        L.ReLU(name="act0"),
        transposed(4, "up1"),
        norm("bn1"),
        L.Activation("relu", name="act1"),
        transposed(1, "image"),
        L.Activation("tanh", name="squash"),
    ]
    return {layer.name: layer for layer in layers}


def discriminator_layers():
    """A sound D for 16x16x1: no BN behind its first layer."""
    layers = [
        conv(4, "down1"),
        L.LeakyReLU(negative_slope=0.2, name="leak1"),
        conv(8, "down2"),
        norm("bn2"),
        L.LeakyReLU(negative_slope=0.2, name="leak2"),
        L.Flatten(name="flatten"),
        L.Dense(1, name="answer"),
    ]
    return {layer.name: layer for layer in layers}


def sequential(layers, shape):
    return keras.Sequential([keras.Input(shape), *layers.values()])


def functional(layers, shape):
    start = end = keras.Input(shape)
    for layer in layers.values():
        end = layer(end)
    return keras.Model(start, end)


def nested(layers, shape):
    """The same layers inside a Sequential inside a functional model in a Sequential."""
    named = list(layers.values())
    inner = keras.Sequential(named[2:4])
    start = end = keras.Input(shape)
    for layer in [*named[:2], inner, *named[4:]]:
        end = layer(end)
    return keras.Sequential([keras.Input(shape), keras.Model(start, end)])


BUILDS = [sequential, functional, nested]
G_SHAPE, D_SHAPE = (3,), (16, 16, 1)


def edited(layers, changes):
    """The layers with some replaced, left out (None) or followed by others (+name)."""
    result = {}
    for name, layer in layers.items():
        replaced = changes.get(name, layer)
        result |= {} if replaced is None else {name: replaced}
        if f"+{name}" in changes:
            result[f"+{name}"] = changes[f"+{name}"]
    return result


def report(g=(), d=(), build=sequential):
    generator = build(edited(generator_layers(), dict(g)), G_SHAPE)
    discriminator = build(edited(discriminator_layers(), dict(d)), D_SHAPE)
    return check_guidelines(generator, discriminator)


@pytest.mark.parametrize("build", BUILDS)
def test_a_sound_pair_keeps_all(build):
    found = report(build=build)
    assert len(found) == 13 and found.broken == []
    assert str(found).count("kept") == 13


@pytest.mark.parametrize(
    ("g_options", "d_options"),
    [
        ({}, {}),
        ({"image_shape": (64, 64, 3), "channels": [16, 8, 4, 2]}, {}),
        ({"weight_stddev": None, "use_bias": True}, {"dropout": 0.3}),
        ({"batch_norm": "after"}, {"batch_norm": "after", "output": "probability"}),
        ({"output_layer": "conv"}, {"leaky_slope": 0.01}),
        ({"channels": [8, 8, 8, 8]}, {"channels": [4, 4]}),
    ],
)
def test_models_of_the_builders_keep_all(g_options, d_options):
    found = check_guidelines(
        build_generator(**g_options), build_discriminator(**d_options)
    )
    assert found.broken == [], str(found)


@pytest.mark.parametrize(
    ("g_options", "d_options", "player", "rule", "layers"),
    [
        ({"activation": "leaky_relu"}, {}, "G", "ReLU", "up1_activation is leaky"),
        ({"batch_norm": None}, {}, "G", "BN behind", "project has none; up1 has none"),
        ({}, {"batch_norm": None}, "D", "BN behind", "down2 has none"),
        ({}, {"leaky_slope": 0.0}, "D", "leaky ReLU", "down1_activation is ReLU"),
    ],
)
def test_options_of_the_builders_are_read(g_options, d_options, player, rule, layers):
    found = check_guidelines(
        build_generator(**g_options), build_discriminator(**d_options)
    )
    (broken,) = found.broken
    assert broken.player == player and broken.rule.startswith(rule)
    assert layers in "; ".join(broken.broken_by)


def test_the_courses_default_keeps_all_but_one():
    """Its D has no BN, and says so; the rest is the paper's."""
    (broken,) = check_guidelines(*recipe.build_players()).broken
    assert (broken.player, broken.rule) == ("D", "BN behind hidden layers 2, 3, …")


UP = {"up1": L.UpSampling2D(name="bigger"), "+up1": conv(4, "smooth", strides=1)}
POOL = {"down2": conv(8, "down2", strides=1), "+down2": L.MaxPooling2D(name="pool")}
FAULTS = [  # changes of G, changes of D, player, rule, what is said
    (UP, {}, "G", "strides up", "bigger (UpSampling2D) scales"),
    (
        {"reshape": L.Reshape((4, 4, 4)), "up1": transposed(4, "up1", strides=1)}
        | {"+act1": L.UpSampling2D(name="twice")},
        {},
        "G",
        "strides up",
        "twice (UpSampling2D) scales",
    ),
    ({}, POOL, "D", "strides down", "pool (MaxPooling2D) scales"),
    (
        {},
        {"flatten": L.GlobalAveragePooling2D(name="mean")},
        "D",
        "strides down",
        "mean (GlobalAveragePooling2D) scales",
    ),
    ({"bn1": None}, {}, "G", "BN behind", "up1 has none"),
    ({"bn0": None}, {}, "G", "BN behind", "project has none"),
    ({}, {"bn2": None}, "D", "BN behind", "down2 has none"),
    ({"+image": norm("late")}, {}, "G", "no BN at the output", "late fixes"),
    ({}, {"+down1": norm("early")}, "D", "no BN at the input", "the first layer, down"),
    ({}, {"+leak1": norm("after")}, "D", "no BN at the input", "after normalizes the "),
    (
        {"+bn0": L.Dense(4, name="mix")},
        {},
        "G",
        "no fully connected",
        "mix is one (4 units)",
    ),
    (
        {},
        {"+leak2": L.Dense(5, name="wide")},
        "D",
        "no fully connected",
        "wide is one (5 units)",
    ),
    ({"act1": L.LeakyReLU(name="act1")}, {}, "G", "ReLU in", "act1 is leaky ReLU"),
    ({"act0": L.ReLU(6.0, name="cut")}, {}, "G", "ReLU in", "cut is a ReLU with a twi"),
    ({"act1": L.PReLU(name="own")}, {}, "G", "ReLU in", "own is PReLU"),
    ({"act1": None}, {}, "G", "ReLU in hidden", "up1 has none"),
    ({"act1": L.Activation("silu", name="s")}, {}, "G", "ReLU in hidden", "s is silu"),
    ({}, {"leak1": L.ReLU(name="leak1")}, "D", "leaky ReLU", "leak1 is ReLU"),
    ({}, {"leak2": None}, "D", "leaky ReLU", "down2 has none"),
    ({}, {"leak2": L.Activation("tanh", name="t")}, "D", "leaky ReLU", "t is tanh"),
    (
        {"squash": L.Activation("sigmoid", name="squash")},
        {},
        "G",
        "tanh at the output",
        "squash is sigmoid",
    ),
    ({"squash": None}, {}, "G", "tanh at the output", "image has none"),
    (
        {"squash": L.Activation("sigmoid", name="squash")},
        {},
        "G",
        "images in [-1, 1]",
        "squash gives (0, 1)",
    ),
    (
        {"+squash": L.Rescaling(127.5, 127.5, name="pixels")},
        {},
        "G",
        "images in [-1, 1]",
        "pixels gives (0, 255)",
    ),
    ({"squash": None}, {}, "G", "images in [-1, 1]", "image gives (-inf, inf)"),
    (
        {},
        {"answer": L.Dense(2, name="two")},
        "D",
        "one answer",
        "two gives 2 numbers an image",
    ),
    (
        {},
        {"answer": L.Dense(1, activation="softmax", name="always1")},
        "D",
        "one answer",
        "always1 is softmax",
    ),
    ({}, {"+answer": L.Softmax(name="soft")}, "D", "one answer", "soft is Softmax"),
    ({}, {"flatten": None}, "D", "one answer", "answer gives 4×4×1 numbers"),
]


@pytest.mark.parametrize(("g", "d", "player", "rule", "said"), FAULTS)
def test_each_broken_guideline_is_named_with_its_layer(g, d, player, rule, said):
    found = report(g, d)
    named = {(f.player, f.rule): "; ".join(f.broken_by) for f in found.broken}
    (where,) = [key for key in named if key[0] == player and key[1].startswith(rule)]
    assert said in named[where]
    assert f"BROKEN  {named[where]}" in str(found)
    assert {key[0] for key in named} == {player}  # the other player keeps all


def test_every_guideline_was_broken_once():
    rules = {(player, rule) for _, _, player, rule, _ in FAULTS}
    for finding in report():
        assert any(finding[0] == p and finding[1].startswith(r) for p, r in rules)


ALONE = [  # faults that break one guideline and no other
    ({"bn1": None}, {}),
    ({}, {"bn2": None}),
    ({}, {"+leak1": norm("x")}),
    ({"act1": L.LeakyReLU()}, {}),
    ({}, {"leak2": L.ReLU()}),
    ({"+squash": L.Rescaling(2.0)}, {}),
    ({}, {"+answer": L.Softmax()}),
]


@pytest.mark.parametrize(("g", "d"), ALONE)
@pytest.mark.parametrize("build", BUILDS)
def test_one_fault_breaks_one_guideline_in_every_kind_of_model(g, d, build):
    assert len(report(g, d, build).broken) == 1


@pytest.mark.parametrize(
    "same",
    [
        {"act1": L.Activation(lambda x: keras.ops.maximum(x, 0.0))},
        {"act1": L.LeakyReLU(negative_slope=0.0)},
        {"act1": None, "bn1": norm("n"), "+bn1": L.ReLU()},
        {"squash": None, "image": transposed(1, "image", activation="tanh")},
        {"+squash": L.Reshape((16, 16, 1))},
        {"+act1": L.Dropout(0.1)},
    ],
)
def test_layers_are_judged_by_what_they_do(same):
    found = report(g=same)
    assert found.broken == [], str(found)


def test_an_answer_as_probability_is_one_answer():
    assert report(d={"+answer": L.Activation("sigmoid")}).broken == []


def test_a_dense_pair_breaks_what_a_dcgan_is():
    generator = keras.Sequential(
        [keras.Input((3,)), L.Dense(8), L.ReLU(), L.Dense(256, activation="tanh")]
        + [L.Reshape((16, 16, 1))]
    )
    discriminator = keras.Sequential(
        [keras.Input((16, 16, 1)), L.Flatten(), L.Dense(8), L.LeakyReLU(), L.Dense(1)]
    )
    broken = {f.rule: f.broken_by for f in check_guidelines(generator, discriminator)}
    assert "no transposed convolution" in broken["strides up, no fixed upsampling"][0]
    assert broken["images in [-1, 1]"] == ()


def residual_block(x, filters):
    """Two convolutions beside a shortcut with a convolution of its own."""
    left = L.LeakyReLU(0.2)(norm(None)(conv(filters, None)(x)))
    left = norm(None)(conv(filters, None, strides=1)(left))
    return L.LeakyReLU(0.2)(L.Add()([left, norm("short")(conv(filters, None)(x))]))


def test_branches_are_followed():
    start = keras.Input(D_SHAPE)
    end = L.LeakyReLU(0.2)(conv(4, "stem", strides=1)(start))
    end = L.Dense(1)(L.Flatten()(residual_block(end, 8)))
    found = check_guidelines(
        sequential(generator_layers(), G_SHAPE), keras.Model(start, end)
    )
    assert found.broken == [], str(found)


def test_operations_without_a_layer_are_read():
    start = keras.Input(D_SHAPE)
    end = keras.ops.relu(conv(4, "down1")(start))
    end = L.LeakyReLU(0.2)(norm("n")(conv(4, "down2")(end)))
    model = keras.Model(start, L.Dense(1)(L.Flatten()(end)))
    found = check_guidelines(sequential(generator_layers(), G_SHAPE), model)
    (broken,) = found.broken
    assert broken.rule == "leaky ReLU in all hidden layers"
    assert broken.broken_by[0].endswith("is ReLU") and len(broken.broken_by) == 1


def test_a_network_of_keras_applications_is_read_through():
    vgg = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(32, 32, 1)
    )
    model = keras.Sequential(
        [keras.Input((16, 16, 1)), L.ZeroPadding2D(8), vgg, L.Flatten(), L.Dense(1)]
    )
    found = check_guidelines(sequential(generator_layers(), G_SHAPE), model)
    counts = {f.rule: len(f.broken_by) for f in found.broken}
    assert counts == {  # 13 convolutions, 5 pooling layers, no stride, no BN
        "strides down, no pooling": 6,
        "BN behind hidden layers 2, 3, …": 12,
        "leaky ReLU in all hidden layers": 13,
    }
    assert "; and 10 more" in str(found)


def test_the_composite_and_training_change_no_verdict():
    generator, discriminator = build_generator(), build_discriminator()
    gan = build_gan(generator, discriminator)
    gan(np.zeros((2, 100), np.float32), training=False)
    discriminator.trainable = False
    assert check_guidelines(generator, discriminator).broken == []


def test_a_layer_used_twice_is_two_nodes():
    start = keras.Input((4,))
    layer = L.Dense(4, name="shared")
    nodes = graph.read(keras.Model(start, layer(layer(start))), "model")
    assert [node.name for node in nodes] == ["shared", "shared"]
    first, second = nodes
    assert first.following == [second] and second.preceding == [first]


class OwnCall(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("model", [OwnCall, lambda: keras.Sequential([L.Dense(1)])])
def test_models_without_a_graph_are_refused(model):
    sound = sequential(generator_layers(), G_SHAPE)
    with pytest.raises(ValueError, match="discriminator: expected a Sequential or "):
        check_guidelines(sound, model())
    with pytest.raises(ValueError, match="generator: expected a Sequential or func"):
        check_guidelines(model(), sound)
