"""The composite: each step changes its own player, whatever was called first."""

import numpy as np
import pytest
from players import (
    BATCH,
    KERAS_SAVES,
    build_players,
    changes,
    fingerprint,
    noise,
    reals,
)

from dcgan_keras import keras, tf
from dcgan_keras.composite import Composite, build_gan
from dcgan_keras.models import build_discriminator, build_generator

ONES = np.ones((BATCH, 1), np.float32)
FROZEN = "The model does not have any trainable weights"


def compiled(model):
    """Keras's way to make a model ready for train_on_batch."""
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def trained(generator, discriminator, gan, step):
    """What one step changed: (weights, moving statistics) of G, then of D."""
    before = fingerprint(generator), fingerprint(discriminator)
    step()
    after = fingerprint(generator), fingerprint(discriminator)
    return [
        tuple(changes(old, new) for old, new in zip(*pair, strict=True))
        for pair in zip(before, after, strict=True)
    ]


def check_steps(
    gan, generator, discriminator, in_training="all", composite_first=False
):
    """Two rounds: every weight of one player changes, none of the other's."""

    def composites_step():
        g, d = trained(
            generator,
            discriminator,
            gan,
            lambda: gan.train_on_batch(noise(), ONES),
        )
        assert g == ("all", "all"), "the composite's step changes all of G's weights"
        assert d == ("none", in_training), "the composite's step changes none of D's"

    def discriminators_step():
        g, d = trained(
            generator,
            discriminator,
            gan,
            lambda: discriminator.train_on_batch(reals(), ONES),
        )
        assert g == ("none", "none"), "D's step changes none of G's weights"
        assert d == ("all", "all"), "D's step changes all of D's weights"

    steps = [discriminators_step, composites_step]
    for step in 2 * (steps[::-1] if composite_first else steps):
        step()


# Orders of building, compiling and first calls: each makes (gan, generator, D). -----


def compiled_last(g, d, folder):
    gan = build_gan(g, d)
    compiled(d)
    return compiled(gan), g, d


def built_last(g, d, folder):
    compiled(d)
    return compiled(build_gan(g, d)), g, d


def composite_compiled_first(g, d, folder):
    gan = compiled(build_gan(g, d))
    compiled(d)
    return gan, g, d


def classic_recipe(g, d, folder):
    """Compile D, freeze it, build and compile the composite."""
    compiled(d)
    d.trainable = False
    return compiled(build_gan(g, d)), g, d


def frozen_between_building_and_compiling(g, d, folder):
    compiled(d)
    gan = build_gan(g, d)
    d.trainable = False
    return compiled(gan), g, d


def frozen_after_compiling(g, d, folder):
    compiled(d)
    gan = compiled(build_gan(g, d))
    d.trainable = False
    return gan, g, d


def frozen_layer_by_layer(g, d, folder):
    for layer in d.layers:
        layer.trainable = False
    gan = build_gan(g, d)
    compiled(d)
    return compiled(gan), g, d


def traced_while_frozen(g, d, folder):
    """The trap itself: D's train function exists already, and trains nothing."""
    compiled(d)
    d.trainable = False
    with pytest.warns(UserWarning, match=FROZEN):
        d.train_on_batch(reals(), ONES)
    return compiled(build_gan(g, d)), g, d


def d_trained_before_building(g, d, folder):
    compiled(d).train_on_batch(reals(), ONES)
    return compiled(build_gan(g, d)), g, d


def called_before_compiling(g, d, folder):
    gan = build_gan(g, d)
    gan(noise(), training=False)
    gan.predict(noise(), verbose=0)
    d.trainable_weights, gan.trainable_weights  # noqa: B018
    compiled(gan)
    compiled(d)
    return gan, g, d


def built_twice(g, d, folder):
    first = compiled(build_gan(g, d))
    compiled(d)
    first.train_on_batch(noise(), ONES)
    d.train_on_batch(reals(), ONES)
    return compiled(build_gan(g, d)), g, d


def one_d_under_two_generators(g, d, folder):
    other, _ = build_players(seed=7)
    compiled(build_gan(other, d)).train_on_batch(noise(), ONES)
    gan = compiled(build_gan(g, d))
    compiled(d)
    return gan, g, d


def on_a_loaded_d(g, d, folder):
    compiled(d).train_on_batch(reals(), ONES)
    d.trainable = False
    d.save(folder / "d.keras")
    loaded = keras.models.load_model(folder / "d.keras", compile=False)
    assert not loaded.trainable_weights
    gan = compiled(build_gan(g, loaded))
    return gan, g, compiled(loaded)


def composite_loaded(g, d, folder):
    gan = compiled(build_gan(g, d))
    gan.train_on_batch(noise(), ONES)
    gan.save(folder / "gan.keras")
    loaded = keras.models.load_model(folder / "gan.keras")
    compiled(loaded.discriminator)
    return loaded, loaded.generator, loaded.discriminator


def after_loading_weights(g, d, folder):
    gan = compiled(build_gan(g, d))
    compiled(d)
    gan.save_weights(folder / "gan.weights.h5")
    other_g, other_d = build_players(seed=7)
    other = compiled(build_gan(other_g, other_d))
    other.load_weights(folder / "gan.weights.h5")
    loaded = other_g.weights + other_d.weights
    for one, same in zip(g.weights + d.weights, loaded, strict=True):
        assert np.array_equal(one, same)
    return other, other_g, compiled(other_d)


def from_configuration(g, d, folder):
    gan = Composite.from_config(build_gan(g, d).get_config())
    compiled(gan)
    return gan, gan.generator, compiled(gan.discriminator)


def on_clones(g, d, folder):
    compiled(build_gan(g, d))
    g, d = keras.models.clone_model(g), keras.models.clone_model(d)
    return compiled(build_gan(g, d)), g, compiled(d)


ORDERS = [
    compiled_last,
    built_last,
    composite_compiled_first,
    classic_recipe,
    frozen_between_building_and_compiling,
    frozen_layer_by_layer,
    traced_while_frozen,
    d_trained_before_building,
    called_before_compiling,
    built_twice,
    one_d_under_two_generators,
    on_a_loaded_d,
    composite_loaded,
    after_loading_weights,
    from_configuration,
    on_clones,
]


@KERAS_SAVES
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
def test_each_step_changes_its_own_player(order, tmp_path):
    gan, generator, discriminator = order(*build_players(), tmp_path)
    check_steps(gan, generator, discriminator)


@pytest.mark.parametrize(
    "order", [compiled_last, frozen_after_compiling, frozen_layer_by_layer]
)
def test_also_where_the_composite_is_trained_first(order, tmp_path):
    check_steps(*order(*build_players(), tmp_path), composite_first=True)


@KERAS_SAVES
def test_inference_mode_leaves_ds_moving_averages_alone_too(tmp_path):
    g, d = build_players()
    gan = compiled(build_gan(g, d, batch_norm="inference"))
    check_steps(gan, g, compiled(d), in_training="none")
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.layers[1].batch_norm == "inference"


def test_the_fingerprints_see_the_classic_trap():
    """Without build_gan, the classic recipe leaves D untrained: the check must fail."""
    g, d = build_players()
    compiled(d)
    d.trainable = False
    gan = compiled(keras.Sequential([g, d]))
    with (
        pytest.warns(UserWarning, match=FROZEN),
        pytest.raises(AssertionError, match="D's step changes all"),
    ):
        check_steps(gan, g, d)


# What the composite is -------------------------------------------------------


def test_its_trainable_weights_are_gs_and_d_stays_trainable():
    g, d = build_players()
    gan = build_gan(g, d)
    assert isinstance(gan, keras.Sequential) and len(gan.layers) == 2
    assert gan.generator is g and gan.discriminator is d
    assert [w.path for w in gan.trainable_weights] == [
        w.path for w in g.trainable_weights
    ]
    assert d.trainable and len(d.trainable_weights) > 0
    assert [w.path for w in gan.weights] == [w.path for w in g.weights]
    assert gan.input_shape == g.input_shape and gan.output_shape == (None, 1)
    gan.trainable = False
    assert gan.trainable_weights == gan.trainable_variables == []


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_norm", ["training", "inference"])
def test_its_answer_is_ds_answer_to_gs_images(batch_norm, training):
    g, d = build_players()
    d(10 * reals(), training=True)  # moves the averages away from the batch
    gan = build_gan(g, d, batch_norm)
    norms_by_batch = training and batch_norm == "training"
    expected = d(g(noise(), training=training), training=norms_by_batch)
    answer = np.asarray(gan(noise(), training=training))
    assert np.allclose(answer, expected, atol=1e-6)
    other = d(g(noise(), training=training), training=not norms_by_batch)
    assert not np.allclose(answer, other, atol=1e-4)  # the two modes can be told apart


@pytest.mark.parametrize("count", [1, 7])
def test_halves_of_a_batch_give_the_answers_and_gradients_of_the_whole(count):
    """Where D has no BN, two cores share the fakes; odd batches have no halves."""
    g = build_generator((8, 8, 1), latent_dim=5, channels=4)
    d = build_discriminator((8, 8, 1), channels=4, batch_norm=None)
    gan, z = build_gan(g, d), tf.random.stateless_normal((count, 5), (1, 2))
    found = []
    for model in (gan, lambda z, training: d(g(z, training=training))):
        with tf.GradientTape() as tape:
            answers = model(z, training=True)
            curved = tf.reduce_sum(tf.sin(answers))
        found.append([answers, *tape.gradient(curved, g.trainable_weights)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_players_that_do_not_fit_are_refused():
    g, d = build_players()
    with pytest.raises(ValueError, match=r"discriminator: .*\(None, 16, 16, 3\)"):
        build_gan(g, build_players(image_shape=(16, 16, 3))[1])
    with pytest.raises(
        ValueError, match=r"generator: expected input \(N, latent_dim\)"
    ):
        build_gan(d, d)
    two = keras.Sequential([d, keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="discriminator: expected one output"):
        build_gan(g, two)
    with pytest.raises(ValueError, match="batch_norm: .*'frozen'"):
        build_gan(g, d, batch_norm="frozen")


def test_a_clone_trains_no_d_either():
    """clone_model makes a plain Sequential, which holds the frozen D all the same."""
    g, d = build_players()
    clone = compiled(keras.models.clone_model(build_gan(g, d)))
    inner = clone.layers[1].discriminator
    assert inner is not d and clone.layers[0] is not g
    before = fingerprint(clone.layers[0])[0], fingerprint(inner)[0]
    clone.train_on_batch(noise(), ONES)
    after = fingerprint(clone.layers[0])[0], fingerprint(inner)[0]
    assert [changes(*pair) for pair in zip(before, after, strict=True)] == [
        "all",
        "none",
    ]


def test_a_part_of_d_that_was_frozen_stays_frozen():
    g, d = build_players()
    d.layers[0].trainable = False
    before = fingerprint(d)[0]
    gan = compiled(build_gan(g, d))
    gan.train_on_batch(noise(), ONES)
    compiled(d).train_on_batch(reals(), ONES)
    changed = set(changes(before, fingerprint(d)[0]))
    frozen = {weight.path for weight in d.layers[0].weights}
    assert frozen and changed == set(before) - frozen


def test_building_alone_makes_d_trainable():
    """D may be trained before the composite is compiled."""
    g, d = build_players()
    expected = [weight.path for weight in d.trainable_weights]
    d.trainable = False
    build_gan(g, d)
    assert [weight.path for weight in d.trainable_weights] == expected


def test_layers_inside_of_layers_are_trainable_again():
    """Keras stops at a flag that is True already, as that of the inner model is."""
    g, d = build_players()
    inner = keras.Sequential([keras.Input((16, 16, 1)), *d.layers])
    outer = keras.Sequential([keras.Input((16, 16, 1)), inner])
    expected = [weight.path for weight in outer.trainable_weights]
    for layer in inner.layers:
        layer.trainable = False
    assert inner.trainable and not outer.trainable_weights
    build_gan(g, outer)
    assert [weight.path for weight in outer.trainable_weights] == expected


def test_players_of_a_class_of_ones_own_are_told_what_is_missing():
    class Own(keras.Model):
        def call(self, images):
            return keras.ops.sum(images, axis=(1, 2, 3))[:, None]

    g, _ = build_players()
    own = Own(name="own")
    own(reals())
    with pytest.raises(ValueError, match="discriminator: .* got a subclass, Own; give"):
        build_gan(g, own)
    with pytest.raises(
        ValueError, match="generator: expected a keras.Model, got a str"
    ):
        build_gan("g", own)
