"""The fast Adam is Keras's Adam, and its average is the one that it says."""

import numpy as np
import pytest

from dcgan_keras import keras, tf
from dcgan_keras.fast.optimizers import HORIZON, FusedAdam

STEPS = 20


def start():
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    return keras.Variable(values)


def run(optimizer, steps=STEPS):
    """The weight after each step, for the same gradients."""
    variable, path = start(), []
    for step in range(steps):
        optimizer.apply([tf.random.stateless_normal((5, 4), (step, 0))], [variable])
        path.append(variable.numpy())
    return np.stack(path)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.999), (0.0, 0.9)])
def test_steps_are_those_of_keras_adam(betas):
    plain = run(keras.optimizers.Adam(1e-2, *betas))
    np.testing.assert_allclose(
        run(FusedAdam(1e-2, beta_1=betas[0], beta_2=betas[1])), plain, atol=2e-6
    )
    assert np.abs(plain[-1] - plain[0]).max() > 0.01  # something moved


def test_learning_rate_follows_a_schedule():
    def schedule():
        return keras.optimizers.schedules.InverseTimeDecay(1e-2, 1, 1.0)

    plain = run(keras.optimizers.Adam(schedule()))
    np.testing.assert_allclose(run(FusedAdam(schedule())), plain, atol=2e-6)


def test_average_looks_back_over_a_share_of_the_steps():
    optimizer = FusedAdam(1e-2, use_ema=True)
    path = run(optimizer)
    average = np.zeros_like(path[0])
    for made, weights in enumerate(path):
        average += (weights - average) * HORIZON / (HORIZON + made)
    np.testing.assert_allclose(
        optimizer._model_variables_moving_average[0], average, atol=1e-6
    )
    assert np.abs(average - path[-1]).max() > 1e-3  # and it is not the weights


def test_amsgrad_is_refused():
    with pytest.raises(ValueError, match="amsgrad: expected False, got True"):
        FusedAdam(amsgrad=True)


def test_optimizer_survives_its_configuration():
    config = FusedAdam(1e-2, beta_1=0.0, use_ema=True).get_config()
    again = FusedAdam.from_config(config)
    assert (again.beta_1, again.use_ema) == (0.0, True)
