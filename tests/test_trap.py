"""The classic recipe under the installed Keras, without build_gan.

Keras 3 reads ``trainable`` when a train function is first traced. Notebook 05 shows
what follows from that and build_gan exists because of it. These tests hold what Keras
does, good or bad: one that fails says that Keras has changed, either way, and that
the notebook's section on the trap, composite.py and FROZEN below are to be revised.
"""

import warnings

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

from dcgan_keras import keras

ONES = np.ones((BATCH, 1), np.float32)
FROZEN = "The model does not have any trainable weights"
CHANGED = "Keras has changed: revise the section on the trap in notebook 05"


class Recipe:
    """Two players, a plain Sequential on top, and what each call changes."""

    def __init__(self, run_eagerly=False):
        self.g, self.d = build_players()
        self.options = {"jit_compile": False, "run_eagerly": run_eagerly}

    def compile_d(self):
        self.compile(self.d)

    def compile_gan(self):
        self.gan = keras.Sequential([self.g, self.d])
        self.compile(self.gan)

    def compile(self, model):
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss, **self.options)

    def train_d(self):
        return self.changed_by(lambda: self.d.train_on_batch(reals(), ONES))

    def train_gan(self):
        return self.changed_by(lambda: self.gan.train_on_batch(noise(), ONES))

    def changed_by(self, step):
        """Which weights of G and of D a step changes: "all", "none" or some."""
        before = fingerprint(self.g)[0], fingerprint(self.d)[0]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            step()
        self.warned = [str(w.message) for w in said if FROZEN in str(w.message)]
        after = fingerprint(self.g)[0], fingerprint(self.d)[0]
        return tuple(map(changes, before, after))


def classic(**options):
    """Compile D, freeze D, stack, compile the composite: the order of OV and others."""
    recipe = Recipe(**options)
    recipe.compile_d()
    recipe.d.trainable = False
    recipe.compile_gan()
    return recipe


def test_the_classic_recipe_leaves_d_untrained_with_one_warning():
    recipe = classic()
    assert recipe.train_d() == ("none", "none"), CHANGED
    assert len(recipe.warned) == 1, CHANGED
    assert recipe.train_d() == ("none", "none"), CHANGED
    assert recipe.warned == [], CHANGED
    assert recipe.train_gan() == ("all", "none"), CHANGED


def test_unfreezing_after_the_first_call_comes_too_late():
    recipe = classic()
    recipe.train_d()
    recipe.d.trainable = True
    assert recipe.train_d() == ("none", "none"), CHANGED


def test_the_right_order_each_flag_before_its_first_call():
    recipe = classic()
    recipe.d.trainable = True
    assert recipe.train_d() == ("none", "all"), CHANGED
    assert recipe.warned == []
    recipe.d.trainable = False
    assert recipe.train_gan() == ("all", "none"), CHANGED
    assert recipe.train_d() == ("none", "all"), CHANGED  # D's function is traced
    assert recipe.train_gan() == ("all", "none"), CHANGED


def test_compiling_takes_no_snapshot_of_the_flag():
    """Frozen while both are compiled, not frozen at the composite's first call."""
    recipe = classic()
    recipe.d.trainable = True
    assert recipe.train_gan() == ("all", "all"), CHANGED
    recipe.d.trainable = False
    assert recipe.train_gan() == ("all", "all"), CHANGED


def test_compiling_again_makes_the_flag_be_read_again():
    recipe = classic()
    recipe.train_d()
    recipe.d.trainable = True
    recipe.compile_d()
    assert recipe.train_d() == ("none", "all"), CHANGED


@KERAS_SAVES  # older Keras shows the variable in its message by the same means
def test_an_optimizer_built_for_a_frozen_d_knows_none_of_its_weights():
    _, d = build_players()
    weight = d.trainable_variables[0]
    d.trainable = False
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(d.trainable_variables)
    with pytest.raises(ValueError, match="(?i)variable"):
        optimizer.apply([np.ones(weight.shape, np.float32)], [weight])


def test_a_frozen_batch_norm_uses_its_averages_whatever_training_says():
    _, d = build_players()
    images = 10 * reals()  # far from the averages' start
    by_batch, by_averages = (np.asarray(d(images, training=t)) for t in (True, False))
    _, d = build_players()  # the call above moved the averages
    assert np.abs(by_batch - by_averages).max() > 1e-2
    d.trainable = False
    frozen = np.asarray(d(images, training=True))
    np.testing.assert_allclose(frozen, d(images, training=False), atol=1e-6)
    assert np.abs(frozen - by_batch).max() > 1e-2, CHANGED
