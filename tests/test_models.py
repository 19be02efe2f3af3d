"""Both players: sizes, published parameter counts, the order of layers, seeds."""

from fractions import Fraction

import numpy as np
import pytest
from players import KERAS_SAVES, LATENT_DIM, build_players, noise, reals

from dcgan_keras import keras
from dcgan_keras._tensorflow import use_course_types
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.sizes import IMAGE_SIZES

CUSTOM = (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def kinds(model):
    """The names of the layers' classes, in order."""
    return [type(layer).__name__ for layer in model.layers]


def latent(count):
    return np.random.default_rng(0).normal(size=(count, 100)).astype(np.float32)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def weights_of(kind, model):
    return [layer for layer in model.layers if isinstance(layer, kind)]


# Sizes -----------------------------------------------------------------------


def test_sizes_are_those_that_strides_of_two_reach():
    """Every doubling of 4, 5, 6 and 7 up to 256; 32, 28, 64 and 96 among them."""
    reached = {start * 2**n for start in (4, 5, 6, 7) for n in range(1, 9)}
    assert set(IMAGE_SIZES) == {size for size in reached if size <= 256}
    assert list(IMAGE_SIZES) == sorted(IMAGE_SIZES)
    assert {8, 16, 28, 32, 64, 96, 128, 256} <= set(IMAGE_SIZES)


@pytest.mark.parametrize("size", IMAGE_SIZES)
def test_every_size_builds_and_runs(size):
    shape = (size, size, 1 + 2 * (IMAGE_SIZES.index(size) % 2))  # grey, RGB, grey
    options = {"image_shape": shape, "channels": 1, "kernel_size": 3}
    generator = build_generator(latent_dim=2, **options)
    discriminator = build_discriminator(**options)
    images = generator(np.ones((2, 2), np.float32), training=True)
    assert images.shape == (2, *shape) == (2, *generator.output_shape[1:])
    assert discriminator(images, training=True).shape == (2, 1)
    assert discriminator.output_shape == (None, 1)


@pytest.mark.parametrize(
    "shape", [(4, 4, 1), (27, 27, 1), (30, 30, 3), (144, 144, 1), (320, 320, 3)]
)
@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_other_sizes_are_refused_by_naming_those_that_work(build, shape):
    with pytest.raises(ValueError, match="image_shape: .*8, 10, 12, 14, 16, .*256"):
        build(shape)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
@pytest.mark.parametrize(
    "shape", [(28, 28), (28, 32, 1), (28, 28, 0), (28.0, 28, 1), (-28, -28, 1), (28,)]
)
def test_shapes_that_are_no_square_image_are_refused(build, shape):
    with pytest.raises(ValueError, match="image_shape"):
        build(shape)


# Counts ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper():
    """The 64x64x3 pair of the paper's code."""
    options = {"channels": 128, "use_bias": False}
    return build_generator((64, 64, 3), **options), build_discriminator(
        (64, 64, 3), **options
    )


def test_counts_of_the_papers_code(paper):
    """Its conventions: no bias anywhere, one gamma and beta for each unit of the
    projection and each channel further on, no moving averages (always the batch's
    own statistics), so its count is that of our trainable parameters.
    """
    generator, discriminator = paper
    weights = 100 * 16 * 1024 + 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    norms = 16 * 1024 + 512 + 256 + 128
    assert trainable(generator) == weights + 2 * norms == 18_885_760
    assert generator.count_params() == weights + 4 * norms  # and the moving averages
    weights = 25 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) + 16 * 1024
    norms = 256 + 512 + 1024
    assert trainable(discriminator) == weights + 2 * norms == 17_232_768
    assert discriminator.count_params() == weights + 4 * norms


def test_shapes_of_the_papers_figure_1(paper):
    generator, discriminator = paper
    convolutions = weights_of(keras.layers.Conv2DTranspose, generator)
    shapes = [layer.output.shape[1:] for layer in convolutions]
    assert shapes == [(8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)]
    shapes = [
        layer.output.shape[1:]
        for layer in weights_of(keras.layers.Conv2D, discriminator)
    ]
    assert shapes == [(32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024)]
    for layer in convolutions + weights_of(keras.layers.Conv2D, discriminator):
        assert (layer.kernel_size, layer.strides) == ((5, 5), (2, 2))


def test_counts_of_the_tensorflow_tutorial():
    generator = build_generator(
        channels=[256, 128, 64], use_bias=False, activation="leaky_relu"
    )
    discriminator = build_discriminator(channels=64, batch_norm=None, dropout=0.3)
    assert generator.count_params() == 2_330_944
    assert discriminator.count_params() == 212_865
    convolutions = weights_of(keras.layers.Conv2DTranspose, generator)
    assert [layer.strides[0] for layer in convolutions] == [1, 2, 2]
    assert kinds(discriminator).count("Dropout") == 2


def test_count_of_handson_ml3s_discriminator():
    discriminator = build_discriminator(
        channels=64, batch_norm=None, dropout=0.4, output="probability"
    )
    assert discriminator.count_params() == 212_865
    answer = discriminator(reals(2, (28, 28, 1)), training=False)
    assert 0 < float(answer[0, 0]) < 1


# Layers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_norm", "order"),
    [
        ("before", ["BatchNormalization", "ReLU"]),
        ("after", ["ReLU", "BatchNormalization"]),
        (None, ["ReLU"]),
    ],
)
def test_order_of_the_generators_layers(batch_norm, order):
    generator = build_generator((16, 16, 1), channels=4, batch_norm=batch_norm)
    up = ["Conv2DTranspose"]
    assert kinds(generator) == (
        ["Dense", *order, "Reshape", *up, *order, *up, "Activation"]
    )


@pytest.mark.parametrize(
    ("batch_norm", "order"),
    [
        ("before", ["BatchNormalization", "LeakyReLU"]),
        ("after", ["LeakyReLU", "BatchNormalization"]),
        (None, ["LeakyReLU"]),
    ],
)
def test_order_of_the_discriminators_layers(batch_norm, order):
    """No BN in the first layer."""
    discriminator = build_discriminator(
        (16, 16, 1), channels=4, batch_norm=batch_norm, dropout=0.2
    )
    assert kinds(discriminator) == (
        ["Conv2D", "LeakyReLU", "Dropout", "Conv2D", *order, "Dropout"]
        + ["Flatten", "Dense", "Activation"]
    )


def test_a_last_convolution_reaches_the_image():
    generator = build_generator((16, 16, 1), channels=4, output_layer="conv")
    assert kinds(generator)[-2:] == ["Conv2D", "Activation"]
    assert kinds(generator).count("Conv2DTranspose") == 2
    assert kinds(generator).count("BatchNormalization") == 3  # none at the image
    assert generator.layers[-2].strides == (1, 1)
    assert generator.output_shape == (None, 16, 16, 1)


@pytest.mark.parametrize("output_layer", ["transposed", "conv"])
@pytest.mark.parametrize("batch_norm", ["before", "after"])
def test_biases_stand_where_no_batch_norm_follows(batch_norm, output_layer):
    options = {"image_shape": (16, 16, 1), "channels": 4, "batch_norm": batch_norm}
    generator = build_generator(output_layer=output_layer, **options)
    biases = [layer.use_bias for layer in generator.layers if isinstance(layer, CUSTOM)]
    assert biases == [False] * (len(biases) - 1) + [True]
    discriminator = build_discriminator(**options)
    biases = [l.use_bias for l in discriminator.layers if isinstance(l, CUSTOM)]  # noqa: E741
    assert biases == [True, False, True]
    for use_bias in (True, False):
        for build in (build_generator, build_discriminator):
            model = build(use_bias=use_bias, **options)
            found = {x.use_bias for x in model.layers if isinstance(x, CUSTOM)}
            assert found == {use_bias}


def test_slopes_and_momentum_arrive():
    generator, discriminator = build_players(leaky_slope=0.07, momentum=0.6)
    assert "LeakyReLU" not in kinds(generator)  # the slope is of leaky ReLU alone
    leaky = weights_of(keras.layers.LeakyReLU, discriminator)
    assert {round(float(layer.negative_slope), 6) for layer in leaky} == {0.07}
    for model in (generator, discriminator):
        norms = weights_of(keras.layers.BatchNormalization, model)
        assert {layer.momentum for layer in norms} == {0.6}
    generator = build_generator(activation="leaky_relu", leaky_slope=0.3, channels=4)
    assert "ReLU" not in kinds(generator)


@pytest.mark.parametrize("training", [True, False])
def test_images_are_in_the_range_of_tanh(training):
    generator, _ = build_players(weight_stddev=2.0)
    images = np.asarray(generator(noise(64), training=training))
    assert images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1
    assert images.min() < -0.9 and images.max() > 0.9  # both ends are reached


# What the guidelines forbid ----------------------------------------------------


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling_takes_the_place_of_strides(kind):
    discriminator = build_discriminator(
        (28, 28, 1), channels=2, downsampling=f"{kind.lower()}_pooling", fast=True
    )
    assert kinds(discriminator).count(f"{kind}Pooling2D") == 2
    convolutions = weights_of(keras.layers.Conv2D, discriminator)
    assert {layer.strides for layer in convolutions} == {(1, 1)}
    pools = [x for x in discriminator.layers if x.name.startswith("pool")]
    assert [x.output.shape[1] for x in pools] == [14, 7]
    strided = build_discriminator((28, 28, 1), channels=2)
    assert discriminator.count_params() == strided.count_params()


@pytest.mark.parametrize("output_layer", ["transposed", "conv"])
def test_repeated_pixels_take_the_place_of_strides(output_layer):
    options = {"channels": 2, "output_layer": output_layer}
    generator = build_generator((28, 28, 1), upsampling="nearest", **options)
    assert kinds(generator).count("UpSampling2D") == 2
    assert "Conv2DTranspose" not in kinds(generator)
    assert generator.output_shape == (None, 28, 28, 1)
    strided = build_generator((28, 28, 1), **options)
    assert generator.count_params() == strided.count_params()


@pytest.mark.parametrize("output_layer", ["transposed", "conv"])
@pytest.mark.parametrize("kernel_size, count", [(3, 0), (4, 3)])
def test_repeated_pixels_are_the_same_map_when_fast(output_layer, kernel_size, count):
    """The same weights of the same seed; an even kernel has no shorter way."""
    options = {"channels": [4, 6, 4, 2], "output_layer": output_layer, "seed": 5}
    options |= {"upsampling": "nearest", "kernel_size": kernel_size}
    plain, fast = (
        build_generator((32, 32, 3), weight_stddev=None, fast=is_fast, **options)
        for is_fast in (False, True)
    )
    assert kinds(fast).count("UpSampling2D") == count
    for theirs, ours in zip(plain.get_weights(), fast.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    z = latent(4)
    for training in (False, True):
        images = [np.asarray(g(z, training=training)) for g in (plain, fast)]
        np.testing.assert_allclose(*images, atol=1e-5)
        assert np.ptp(images[0]) > 0.01  # far above what is tolerated


@pytest.mark.parametrize("batch_norm", ["before", "after"])
def test_batch_norm_at_the_image_fixes_its_mean(batch_norm):
    """G: the last BN is next to tanh; D: the first layer has one, the answer none."""
    options = {"channels": 4, "batch_norm": batch_norm, "batch_norm_at_image": True}
    generator = build_generator((16, 16, 1), **options)
    assert kinds(generator)[-3:] == [
        "Conv2DTranspose",
        "BatchNormalization",
        "Activation",
    ]
    before_tanh = keras.Model(generator.inputs[0], generator.layers[-2].output)
    answers = np.asarray(before_tanh(latent(64), training=True))
    assert abs(answers.mean()) < 1e-5 and abs(answers.std() - 1) < 0.01
    discriminator = build_discriminator((16, 16, 1), **options)
    assert "BatchNormalization" in kinds(discriminator)[1:3]
    assert kinds(discriminator)[-3:] == ["Flatten", "Dense", "Activation"]


def test_dense_hidden_layers_stand_at_both_ends_of_the_convolutions():
    generator = build_generator((16, 16, 1), channels=4, hidden_units=(9, 5))
    dense = weights_of(keras.layers.Dense, generator)
    assert [layer.units for layer in dense] == [9, 5, 4 * 4 * 8]
    assert kinds(generator)[:3] == ["Dense", "BatchNormalization", "ReLU"]
    discriminator = build_discriminator((16, 16, 1), channels=4, hidden_units=(9,))
    end = ["Flatten", "Dense", "BatchNormalization", "LeakyReLU", "Dense", "Activation"]
    assert kinds(discriminator)[-6:] == end
    with pytest.raises(ValueError, match="hidden_units: expected a whole number"):
        build_generator(hidden_units=(0,))


def test_a_sigmoid_makes_images_from_0_to_1():
    generator = build_generator(
        (8, 8, 1), channels=2, weight_stddev=2.0, output_activation="sigmoid"
    )
    images = np.asarray(generator(latent(64), training=True))
    assert images.min() >= 0 and images.max() <= 1
    assert images.min() < 0.05 and images.max() > 0.95


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (build_generator, "upsampling"),
        (build_generator, "output_activation"),
        (build_discriminator, "downsampling"),
    ],
)
def test_other_choices_are_refused(build, name):
    with pytest.raises(ValueError, match=f"{name}: expected one of '.*; got 'other'"):
        build(**{name: "other"})


# Weights ---------------------------------------------------------------------


def test_first_weights_are_the_papers():
    generator, discriminator = build_generator(), build_discriminator()
    for model in (generator, discriminator):
        for layer in model.layers:
            if isinstance(layer, CUSTOM) and layer.kernel.shape[-1] > 1:
                kernel = layer.kernel.numpy()
                assert abs(kernel.std() - 0.02) < 0.002 and abs(kernel.mean()) < 0.003
            if isinstance(layer, keras.layers.BatchNormalization):
                assert np.all(layer.gamma.numpy() == 1) and not layer.beta.numpy().any()


def test_glorot_can_be_asked_for():
    kernel = build_generator(weight_stddev=None).layers[0].kernel.numpy()
    limit = np.sqrt(6 / sum(kernel.shape))
    assert 0.95 * limit < np.abs(kernel).max() <= limit


def same(first, second):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_seeds_make_the_weights():
    for number in (0, 1):
        first, again, other = (build_players(seed=s)[number] for s in (1, 1, 2))
        assert same(first, again) and not same(first, other)
        kernels = [
            x.kernel.numpy().ravel()[:9] for x in first.layers if hasattr(x, "kernel")
        ]
        assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)
    keras.utils.set_random_seed(5)
    first = build_generator((8, 8, 1), channels=2)
    keras.utils.set_random_seed(5)
    assert same(first, build_generator((8, 8, 1), channels=2))
    assert not same(first, build_generator((8, 8, 1), channels=2))


def test_dropout_draws_with_100_more_than_the_layers():
    model = build_discriminator((16, 16, 1), 2, dropout=0.5, seed=3)
    assert [x.seed for x in weights_of(keras.layers.Dropout, model)] == [104, 105]


def test_dropout_follows_its_seed_and_rests_in_inference():
    models = [
        build_discriminator((16, 16, 1), 4, dropout=0.5, seed=3) for _ in range(2)
    ]
    images = reals(6)
    first, second = (np.asarray(model(images, training=True)) for model in models)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, models[0](images, training=True))
    still = [np.asarray(models[0](images, training=False)) for _ in range(2)]
    assert np.array_equal(*still)


@KERAS_SAVES
@pytest.mark.parametrize("number", [0, 1], ids=["generator", "discriminator"])
def test_players_save_and_load(number, tmp_path):
    model = build_players()[number]
    inputs = (noise(), reals())[number]
    model(inputs, training=True)  # moves BN's averages away from their start
    model.save(tmp_path / "player.keras")
    loaded = keras.models.load_model(tmp_path / "player.keras")
    assert same(model, loaded)
    expected = np.asarray(model(inputs, training=False))
    assert np.array_equal(expected, loaded(inputs, training=False))
    model.save_weights(tmp_path / "player.weights.h5")
    other = build_players(seed=9)[number]
    other.load_weights(tmp_path / "player.weights.h5")
    assert np.array_equal(expected, other(inputs, training=False))


# What is refused -------------------------------------------------------------

BOTH = [
    {"batch_norm": "behind"},
    {"batch_norm": True},
    {"channels": 0},
    {"channels": -4},
    {"channels": 2.5},
    {"channels": []},
    {"channels": [8, 0]},
    {"channels": [8.5, 4]},
    {"channels": "32"},
    {"kernel_size": 0},
    {"kernel_size": 2.5},
    {"kernel_size": None},
    {"leaky_slope": -0.1},
    {"momentum": -0.1},
    {"momentum": 1.0},
    {"momentum": "0.9"},
    {"momentum": None},
    {"weight_stddev": -0.02},
    {"weight_stddev": np.inf},
    {"weight_stddev": "0.02"},
    {"leaky_slope": np.inf},
    {"leaky_slope": None},
    {"leaky_slope": "0.2"},
    {"hidden_units": 10},
    {"hidden_units": None},
    {"seed": 1.5},
    {"seed": True},
    {"seed": "1"},
    {"fast": "no"},
    {"use_bias": "no"},
    {"batch_norm_at_image": "no"},
    {"batch_norm_at_image": True, "batch_norm": None},
]


@pytest.mark.parametrize(
    "option",
    [
        *BOTH,
        {"latent_dim": 0},
        {"latent_dim": 10.0},
        {"latent_dim": True},
        {"activation": "tanh"},
        {"output_layer": "dense"},
        {"channels": [8]},
        {"extra_kernel_size": 0},
    ],
    ids=str,
)
def test_generator_names_the_argument_that_is_wrong(option):
    options = {"activation": "leaky_relu"} | option
    with pytest.raises(ValueError, match=f"^{next(iter(option))}: expected"):
        build_generator((16, 16, 1), **options)


@pytest.mark.parametrize(
    "option",
    [
        *BOTH,
        {"dropout": -0.1},
        {"dropout": 1.0},
        {"dropout": "0.3"},
        {"dropout": None},
        {"output": "softmax"},
        {"channels": [8]},
    ],
    ids=str,
)
def test_discriminator_names_the_argument_that_is_wrong(option):
    with pytest.raises(ValueError, match=f"^{next(iter(option))}: expected"):
        build_discriminator((16, 16, 1), **option)


def test_fractions_are_numbers():
    shape, same = {"image_shape": (8, 8, 1), "channels": 2}, {"seed": 3}
    some = {"leaky_slope": 1 / 4, "momentum": 1 / 2, "weight_stddev": 1 / 8}
    exact = {name: Fraction(value) for name, value in some.items()}
    for build, own, other in (
        (build_generator, {"activation": "leaky_relu"}, {"activation": "leaky_relu"}),
        (build_discriminator, {"dropout": 1 / 2}, {"dropout": Fraction(1, 2)}),
    ):
        for fast in (False, True):
            both = shape | same | {"fast": fast}
            plain, given = build(**both, **some, **own), build(**both, **exact, **other)
            assert given.to_json() == plain.to_json()
            for a, b in zip(given.get_weights(), plain.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)


def test_numbers_of_numpy_are_numbers():
    shape = tuple(np.array([16, 16, 1]))
    generator = build_generator(shape, latent_dim=np.int64(LATENT_DIM), channels=4)
    assert generator.output_shape == (None, 16, 16, 1)
    assert build_discriminator(shape, channels=np.int32(4)).output_shape == (None, 1)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (build_generator, "extra_kernel_size"),
        (build_generator, "kernel_size"),
        (build_discriminator, "kernel_size"),
    ],
)
def test_whole_numbers_of_numpy_are_whole_numbers(build, name):
    """Keras refuses them: "should be an integer. Received: 3"."""
    given = {"image_shape": (16, 16, 1), "channels": 4}
    plain = build(**given, **{name: 3, "seed": 3, "hidden_units": [9, 5]})
    numbers = {name: np.int64(3), "seed": np.int64(3), "hidden_units": np.array([9, 5])}
    assert same(plain, build(**given, **numbers))


@pytest.mark.parametrize("option", [{}, {"hidden_units": (9,)}], ids=str)
@pytest.mark.parametrize("project_norm", ["units", "channels"])
def test_one_z_a_batch_is_what_the_docstring_says(project_norm, option):
    """In training mode each unit is its own mean; in channels there are sixteen."""
    assert "the same image for every z, unless" in build_generator.__doc__
    generator = build_generator(
        (16, 16, 1), 100, 4, project_norm=project_norm, **option
    )
    images = [np.asarray(generator(z[None], training=True)) for z in latent(3)]
    differs = project_norm == "channels" and not option
    assert all(np.array_equal(images[0], x) != differs for x in images[1:])


def kernels(seed):
    """The weights that are drawn: by player and name, for G and D of one seed."""
    players = build_generator(seed=seed), build_discriminator(seed=seed)
    return {
        (player.name, layer.name): layer.kernel.numpy().ravel()
        for player in players
        for layer in player.layers
        if hasattr(layer, "kernel")
    }


def test_seeds_share_what_the_docstring_says():
    """Of close seeds layers of different places; far away nothing, nor one layer."""
    said = " ".join(build_generator.__doc__.split())
    assert "``up1`` here has with seed 1 those of D's ``down2`` with seed 3" in said
    assert "seeds 1,000 apart share nothing" in build_discriminator.__doc__
    up = build_generator(seed=1).get_layer("up1").kernel.numpy()
    assert np.array_equal(up, build_discriminator(seed=3).get_layer("down2").kernel)

    def shared(some, others):
        """Draws begin alike where seeds agree, whatever the shapes."""
        return {
            (one, other)
            for one, x in some.items()
            for other, y in others.items()
            if np.array_equal(x[:9], y[:9])
        }

    first, close, far = kernels(1), kernels(3), kernels(1001)
    assert (("generator", "up1"), ("discriminator", "down2")) in shared(first, close)
    assert not any(one == other for one, other in shared(first, close))
    assert shared(first, far) == set()


def test_projection_is_normalised_by_units_or_by_channels():
    """128 units in 8 channels: gamma has one entry a unit, or one a channel."""
    for project_norm, length in (("units", 4 * 4 * 8), ("channels", 8)):
        generator = build_generator((16, 16, 1), channels=4, project_norm=project_norm)
        norm = generator.get_layer("project_bn")
        assert norm.gamma.shape == (length,)
    with pytest.raises(ValueError, match="project_norm: expected one of"):
        build_generator(project_norm="layers")


def test_entries_beyond_the_size_are_extra_layers():
    """G's are of stride 1 with their own kernel; D's halve the image further."""
    generator = build_generator((16, 16, 1), channels=[8, 8, 8, 4], extra_kernel_size=3)
    convolutions = weights_of(keras.layers.Conv2DTranspose, generator)
    assert [layer.kernel_size[0] for layer in convolutions] == [3, 3, 5, 5]
    assert [layer.strides[0] for layer in convolutions] == [1, 1, 2, 2]
    discriminator = build_discriminator((16, 16, 1), channels=[2, 4, 8])
    assert discriminator.get_layer("flatten").input.shape[1:] == (2, 2, 8)


def test_fast_players_are_the_plain_ones():
    """The same weights, and the same outputs to rounding, in both modes."""
    for build, inputs in ((build_generator, noise()), (build_discriminator, reals())):
        options = {"image_shape": (16, 16, 1), "channels": 4, "kernel_size": 4}
        if build is build_generator:
            options["latent_dim"] = LATENT_DIM
        plain, fast = (build(fast=on, seed=3, **options) for on in (False, True))
        assert len(plain.weights) == len(fast.weights)
        for training in (True, False):
            np.testing.assert_allclose(
                fast(inputs, training=training),
                plain(inputs, training=training),
                atol=1e-5,
            )


# Keras's settings ------------------------------------------------------------


@pytest.fixture
def settings():
    """Keras's own, put back afterwards."""
    yield keras.config
    use_course_types()


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_channels_first_is_refused_and_left_as_it_is(build, settings):
    settings.set_image_data_format("channels_first")
    with pytest.raises(ValueError, match="image_data_format: .* got 'channels_first'"):
        build((8, 8, 1), channels=2)
    assert settings.image_data_format() == "channels_first"


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
@pytest.mark.parametrize("kept", ["float16", "bfloat16"])
def test_weights_of_16_bits_get_a_word(build, kept, settings):
    settings.set_dtype_policy(kept)
    with pytest.warns(UserWarning, match=f"keep weights in {kept} .*mixed_float16"):
        built = build((8, 8, 1), channels=2)
    assert built.weights[0].dtype == kept  # obeyed all the same
    settings.set_dtype_policy("mixed_float16")
    assert build((8, 8, 1), channels=2).weights[0].dtype == "float32"


def test_z_is_given_with_its_label():
    """The label's columns stand beside z's, none in place of another."""
    generator = build_generator((16, 16, 1), latent_dim=10, channels=2, classes=10)
    assert generator.input_shape == (None, 20)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"fast": True}, "ImageConv2D"),
        ({"fast": False}, "Conv2D"),
        ({"fast": True, "downsampling": "max_pooling"}, "Conv2D"),
    ],
    ids=str,
)
def test_the_layer_at_the_image_alone_has_a_fast_form(options, kind):
    names = kinds(build_discriminator((32, 32, 3), channels=2, **options))
    found = [name for name in names if name.endswith("Conv2D")]
    assert found == [kind, "Conv2D", "Conv2D"]
