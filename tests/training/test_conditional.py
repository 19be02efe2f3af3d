"""Class-conditional players: the step by hand, and labels that reach both of them."""

import copy
import json
import shutil

import imageio.v3 as imageio
import numpy as np
import pytest
from players import (
    BATCH,
    KERAS_SAVES,
    LATENT_DIM,
    apart,
    contents,
    noise,
    reals,
    weights,
)
from players import build_players as unconditional_players

from dcgan_keras import keras, tf
from dcgan_keras.__main__ import main
from dcgan_keras.composite import build_gan
from dcgan_keras.data.clusters import find_clusters, nearest_centres
from dcgan_keras.data.datasets import load_dataset, training_batches
from dcgan_keras.evaluation.conditional import ClassReport, evaluate_labels
from dcgan_keras.files import UnreadableFile
from dcgan_keras.labels import asked_logits, label_grid, spread_labels, with_labels
from dcgan_keras.lessons.recorded import recorded_run
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.training import commands
from dcgan_keras.training.callbacks import History
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.configuration import load_generator, read_config
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.fingerprint import data_fingerprint, is_changed
from dcgan_keras.training.runs import RunFolder
from dcgan_keras.training.sampling import MEASURED

CLASSES, RATE = 6, 0.1
LABELS = np.array([2, 5, 2, 4])  # of a batch; 0, 1 and 3 are asked of nobody
LOOPS = [CompositeLoop, DCGAN]
each_loop = pytest.mark.parametrize("loop", LOOPS)


def build_players(**options):
    """As ``players.build_players``, with classes."""
    return unconditional_players(classes=CLASSES, **options)


def compiled(loop=DCGAN, players=None, rate=RATE, **options):
    model = loop(*(players or build_players()), classes=CLASSES)
    pair = keras.optimizers.SGD(rate), keras.optimizers.SGD(rate)
    model.compile(*pair, **options)
    return model


def softplus(logits):
    return tf.math.log1p(tf.exp(logits))


# The step --------------------------------------------------------------------


def asked(model, images, labels):
    """Row by row the one logit, by indexing."""
    logits = model.discriminator(images, training=True)
    return tf.stack([logits[row, label] for row, label in enumerate(labels)])


def draw(model, labels, at):
    z = latent_noise((len(labels), LATENT_DIM), model.seed, 0, at)
    z = tf.concat([z, np.eye(CLASSES, dtype=np.float32)[labels]], axis=1)
    return model.generator(z, training=True)


def descend(tape, loss, player):
    variables = player.trainable_variables
    slopes = tape.gradient(loss, variables)
    assert any(np.abs(slope).max() > 1e-4 for slope in slopes)
    for variable, slope in zip(variables, slopes, strict=True):
        variable.assign_sub(RATE * slope)


def d_loss_by_hand(model, images, fakes, r1_gamma):
    real, fake = asked(model, images, LABELS), asked(model, fakes, LABELS)
    loss = tf.reduce_mean(softplus(-real)) + tf.reduce_mean(softplus(fake))
    if not r1_gamma:
        return loss, loss
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = asked(model, images, LABELS)
    squares = tape.gradient(logits, images) ** 2
    penalty = tf.reduce_mean(tf.reduce_sum(squares, axis=[1, 2, 3]))
    return loss, loss + r1_gamma / 2 * penalty


def by_hand(model, images, update, r1_gamma=0.0):
    """One step as the paper's algorithm has it, with the labels in both players."""
    if update == "simultaneous":
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fakes = draw(model, LABELS, D_NOISE)
            g_loss = tf.reduce_mean(softplus(-asked(model, fakes, LABELS)))
            d_loss, minimised = d_loss_by_hand(model, images, fakes, r1_gamma)
        descend(g_tape, g_loss, model.generator)
        descend(d_tape, minimised, model.discriminator)
        return d_loss, g_loss
    fakes = draw(model, LABELS, D_NOISE)
    with tf.GradientTape() as d_tape:
        d_loss, minimised = d_loss_by_hand(model, images, fakes, r1_gamma)
    descend(d_tape, minimised, model.discriminator)
    with tf.GradientTape() as g_tape:
        fakes = draw(model, LABELS, G_NOISE)
        g_loss = tf.reduce_mean(softplus(-asked(model, fakes, LABELS)))
    descend(g_tape, g_loss, model.generator)
    return d_loss, g_loss


@pytest.mark.parametrize(
    ("update", "r1_gamma", "jit_compile"),
    [
        ("alternating", 0, False),
        ("alternating", 0.3, False),
        ("simultaneous", 0.3, False),
        ("simultaneous", 0.3, True),
    ],
)
def test_the_step_is_the_one_by_hand(update, r1_gamma, jit_compile):
    norm = {"batch_norm": "before" if not r1_gamma else None, "weight_stddev": None}
    options = {"update": update, "r1_gamma": r1_gamma, "r1_interval": 1}
    model, hand = (
        compiled(players=build_players(**norm), **options, jit_compile=jit_compile)
        for _ in range(2)
    )
    before = weights(model)
    logs = model.train_on_batch(reals(), LABELS, return_dict=True)
    d_loss, g_loss = by_hand(hand, reals(), update, r1_gamma)
    trained = [
        apart([a], [b])
        for a, b in zip(weights(model), before, strict=True)
        if a.ndim > 1  # kernels
    ]
    assert min(trained) > 1e-5
    trainable = [m.generator.trainable_weights for m in (model, hand)]
    trainable = [
        [w.numpy() for w in own + m.discriminator.trainable_weights]
        for own, m in zip(trainable, (model, hand), strict=True)
    ]
    assert apart(*trainable) < 2e-6
    assert logs["discriminator_loss"] == pytest.approx(float(d_loss), abs=1e-6)
    assert logs["generator_loss"] == pytest.approx(float(g_loss), abs=1e-6)


def test_both_loops_make_the_same_updates():
    one, other = compiled(CompositeLoop), compiled(DCGAN)
    before, rows = weights(one), []
    for model in (one, other):
        history = History()
        batches = [(reals(seed=step), (LABELS + step) % CLASSES) for step in range(3)]
        images, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
        data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)
        model.fit(data, verbose=0, callbacks=[history])
        rows.append(history.rows)
    assert apart(weights(one), before) > 1e-3
    assert apart(weights(one), weights(other)) < 2e-6
    for first, second in zip(*rows, strict=True):
        assert first == pytest.approx(second, abs=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_asks_too(policy):
    keras.config.set_dtype_policy(policy)
    try:
        players = build_players(batch_norm=None)
        model = compiled(players=players, update="simultaneous", r1_gamma=1.0)
        logs = model.train_on_batch(reals(), LABELS, return_dict=True)
    finally:
        keras.config.set_dtype_policy("float32")
    exact = compiled(players=build_players(batch_norm=None), update="simultaneous")
    expected = exact.train_on_batch(reals(), LABELS, return_dict=True)
    assert logs["discriminator_loss"] == pytest.approx(
        expected["discriminator_loss"], abs=1e-2
    )


# The labels reach both players -----------------------------------------------


@each_loop
def test_a_step_moves_what_belongs_to_the_asked_classes_alone(loop):
    """G's rows of a label, and D's column of it: a player that ignores labels moves
    none, or all."""
    model = compiled(loop)
    project = model.generator.get_layer("project").kernel
    answer = model.discriminator.get_layer("answer")
    before = project.numpy(), answer.kernel.numpy(), answer.bias.numpy()
    model.train_on_batch(reals(), LABELS)
    after = project.numpy(), answer.kernel.numpy(), answer.bias.numpy()
    rows, columns, biases = (np.abs(a - b) for a, b in zip(after, before, strict=True))
    is_asked = np.isin(np.arange(CLASSES), LABELS)
    moved = rows[LATENT_DIM:].max(axis=1)
    assert (moved[is_asked] > 1e-6).all() and (moved[~is_asked] == 0).all()
    for change in (columns.max(axis=0), biases):
        assert (change[is_asked] > 1e-6).all() and (change[~is_asked] == 0).all()


@each_loop
def test_other_labels_are_another_step(loop):
    one, other = compiled(loop), compiled(loop)
    one.train_on_batch(reals(), LABELS)
    other.train_on_batch(reals(), LABELS[::-1].copy())
    assert apart(weights(one), weights(other)) > 1e-5


def test_evaluate_looks_at_the_labels():
    model = compiled()
    found = [
        model.evaluate(reals(), labels, batch_size=BATCH, verbose=0, return_dict=True)
        for labels in (LABELS, LABELS[::-1].copy())
    ]
    assert found[0]["discriminator_loss"] != found[1]["discriminator_loss"]


def test_it_learns_which_is_which():
    """A bright square above for one class, below for the other, in a few hundred
    steps: the asked picture comes out."""
    labels = np.arange(64) % 2
    images = np.full((64, 16, 16, 1), -0.9, np.float32)
    images[labels == 0, 2:7, 4:12] = 0.9
    images[labels == 1, 9:14, 4:12] = 0.9
    players = unconditional_players(classes=2, batch_norm=None, channels=8)
    model = DCGAN(*players, classes=2)
    model.compile("rmsprop", "rmsprop", update="simultaneous", r1_gamma=1.0)
    batches = training_batches(images, 16, labels=labels)
    model.fit(batches, steps_per_epoch=300, verbose=0)
    asked = np.repeat([0, 1], 10)
    drawn = model.predict(with_labels(noise(20), asked, 2), verbose=0)
    above = drawn[:, :8].mean(axis=(1, 2, 3)) > drawn[:, 8:].mean(axis=(1, 2, 3))
    assert above.tolist() == (asked == 0).tolist()


# What is given to fit --------------------------------------------------------


@each_loop
def test_an_array_with_labels_and_batches_of_pairs_are_the_same(loop):
    images = np.concatenate([reals(seed=step) for step in range(3)])
    labels = np.arange(12) % CLASSES
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)
    one, other, third = (compiled(loop) for _ in range(3))
    how = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    one.fit(images, labels, **how)
    other.fit(pairs, verbose=0)
    third.fit(x=images, y=labels.astype(np.uint8), **how)
    assert apart(weights(one), weights(other)) == 0
    assert apart(weights(other), weights(third)) == 0


def test_batches_of_pairs_are_the_same_batches_with_labels():
    images = np.arange(11, dtype=np.float32).reshape(-1, 1, 1, 1) / 11
    images = np.broadcast_to(images - 0.5, (11, 16, 16, 1)).copy()
    labels = np.arange(11)
    alone = training_batches(images, 4, seed=3, start_step=1).take(5)
    pairs = training_batches(images, 4, seed=3, start_step=1, labels=labels).take(5)
    for batch, (also, its) in zip(alone, pairs, strict=True):
        np.testing.assert_array_equal(batch, also)
        np.testing.assert_allclose(also[:, 0, 0, 0], its.numpy() / 11 - 0.5, atol=1e-6)
        assert its.dtype == tf.int64
    for wrong in (labels[:5], labels.astype(float), labels[:, None]):
        with pytest.raises(ValueError, match="labels: expected whole numbers, one an"):
            training_batches(images, 4, labels=wrong)


@each_loop
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, "one an image, 0 to 5; got images without labels"),
        ([0, 1, 2, 6], "got 0 to 6"),
        ([0, 1, -1, 3], "got -1 to 3"),
        ([0.0, 1.0, 2.0, 3.0], "got float64"),
        (np.eye(4)[:, :2].astype(int), r"got shape \(\w+, 2\) for images"),
    ],
    ids=["none", "above", "below", "float", "one-hot"],
)
def test_what_are_no_labels_is_refused_and_teaches_nothing(loop, labels, said):
    model = compiled(loop)
    before = weights(model)
    labels = labels if labels is None else np.asarray(labels)
    pairs = reals() if labels is None else (reals(), labels)
    data = tf.data.Dataset.from_tensor_slices(pairs).batch(BATCH)
    with pytest.raises(ValueError, match=f"labels: expected whole numbers.*{said}"):
        model.fit(data, verbose=0)
    assert apart(weights(model), before) == 0
    assert int(model.steps_made.numpy()) == 0


@pytest.mark.parametrize(
    ("labels", "said"),
    [([0, 1], r"got shape \(2,\) for 4 images"), ([0, 1, 2, 9], "got 0 to 9")],
)
def test_labels_of_an_array_are_checked_before_the_first_step(labels, said):
    with pytest.raises(ValueError, match=f"labels: expected whole numbers.*{said}"):
        compiled().fit(reals(), np.array(labels), verbose=0)


def test_an_unconditional_model_drops_labels_as_before():
    model = DCGAN(*unconditional_players())
    model.compile()
    data = tf.data.Dataset.from_tensor_slices((reals(), [0.5] * BATCH)).batch(BATCH)
    model.fit(data, verbose=0)
    assert int(model.steps_made.numpy()) == 1
    model.compile(run_eagerly=True)
    model.fit(reals(), ["cat", "dog"], verbose=0)  # whatever they are
    assert int(model.steps_made.numpy()) == 2


def test_a_column_of_labels_is_taken():
    one, other = compiled(), compiled()
    one.train_step((reals(), LABELS))
    other.train_step((reals(), LABELS[:, None]))
    assert apart(weights(one), weights(other)) == 0


def pixels(inputs):
    """A G of so many inputs."""
    layers = [keras.layers.Dense(256), keras.layers.Reshape((16, 16, 1))]
    return keras.Sequential([keras.Input((inputs,)), *layers])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: DCGAN(*unconditional_players(), classes=6),
            r"discriminator: expected one output a class, \(None, 6\), got \(None, 1\)",
        ),
        (
            lambda: DCGAN(*build_players()),
            r"expected one output an image, \(None, 1\), got \(None, 6\)",
        ),
        (
            lambda: build_gan(
                unconditional_players()[0], build_players()[1], classes=CLASSES
            ),
            r"generator: expected input \(N, latent_dim \+ 6\), z and a one-hot label",
        ),
        (
            lambda: build_gan(pixels(6), build_players()[1], classes=CLASSES),
            r"generator: .* z and a one-hot label, got \(None, 6\)",
        ),
        (lambda: build_generator(classes=1), "classes: expected None or a whole"),
        (lambda: build_discriminator(classes=0), "classes: expected None or a whole"),
        (lambda: with_labels(noise(2), [0, 6], 6), "0 to 5, one an image; got 0 to 6"),
        (lambda: with_labels(noise(2), [0], 6), r"got shape \(1,\) for 2 images"),
        (lambda: with_labels(noise(2), [0.0, 1], 6), "got float64"),
        (lambda: with_labels(noise(2), [[0], [0, 1]], 6), "rows of several lengths"),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_grid_has_a_row_a_class_and_a_column_a_noise():
    z = noise(3)
    grid = label_grid(z, 4).numpy().reshape(4, 3, LATENT_DIM + 4)
    np.testing.assert_array_equal(grid[:, :, :LATENT_DIM], np.stack([z] * 4))
    np.testing.assert_array_equal(grid[:, 0, LATENT_DIM:], np.eye(4))


def test_asked_logits_are_those_of_the_labels():
    logits = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(asked_logits(logits, [3, 0, 2]), [[3], [4], [10]])


# Keras's citizens ------------------------------------------------------------


@KERAS_SAVES
@each_loop
@pytest.mark.parametrize("how", ["saved", "copied"])
@pytest.mark.parametrize("shares", [None, [0.9, 0.02, 0.02, 0.02, 0.02, 0.02]])
def test_saved_and_copied_it_goes_on_the_same(loop, how, shares, tmp_path):
    model = loop(*build_players(), classes=CLASSES)
    average = keras.optimizers.Adam(1e-3, use_ema=True)
    model.compile(average, keras.optimizers.Adam(1e-3))
    if shares is not None:
        model.class_shares = np.array(shares)
    model.train_on_batch(reals(), LABELS)
    if how == "saved":
        model.save(tmp_path / "model.keras")
        other = keras.models.load_model(tmp_path / "model.keras")
    else:
        other = copy.deepcopy(model)
    assert other.classes == CLASSES and other.latent_dim == LATENT_DIM
    z = with_labels(noise(), LABELS, CLASSES)
    drawn = [m.predict(z, verbose=0) for m in (model, other)]
    np.testing.assert_array_equal(*drawn)
    other.class_shares = None
    equal = np.array_equal(drawn[0], other.predict(z, verbose=0))
    assert equal == (shares is None)  # they are not without effect
    other.class_shares = model.class_shares
    for one in (model, other):
        one.train_on_batch(reals(seed=1), LABELS)
    assert apart(weights(model), weights(other)) == 0


def test_the_statistics_of_the_average_are_those_of_asked_samples():
    model = DCGAN(*build_players(weight_stddev=None), classes=CLASSES)
    model.compile(keras.optimizers.Adam(1e-2, use_ema=True), "adam")
    model.train_on_batch(reals(), LABELS)
    generator = model.sampling_generator()
    z = latent_noise((MEASURED, LATENT_DIM), -1, 0)
    z = with_labels(z, np.arange(MEASURED) % CLASSES, CLASSES)
    in_use = generator(z, training=False).numpy()
    assert in_use.std() > 0.01
    np.testing.assert_allclose(in_use, generator(z, training=True), atol=1e-4)


# The command line ------------------------------------------------------------

SMALL = ["--dataset", "digits", "--batch-size", "8", "--latent-dim", "3"]
SMALL += ["--width", "2", "--seed", "3", "--sample-every", "2"]


def train(output, *options):
    return main(["train", "--output", str(output), *SMALL, *options])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in ("train_step", "composite"):
        options = ["--conditional", "--steps", "4", "--loop", name]
        assert train(folder / name, *options) == 0
    assert train(folder / "plain", "--steps", "1") == 0
    return folder


def told(capsys, *arguments):
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    err = capsys.readouterr().err.splitlines()
    return next(line for line in err if line.startswith("dcgan_keras "))


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_a_run_knows_it_and_resumes_bit_for_bit(runs, loop, tmp_path):
    config = read_config(RunFolder(runs / loop))
    assert config["conditional"] is True and config["classes"] == 10
    grid = imageio.imread(runs / loop / "samples" / "step_000004.png")
    assert grid.shape == (10 * 28 * 2, 8 * 28 * 2, 3)
    begin = ["--conditional", "--steps", "2", "--loop", loop]
    assert train(tmp_path / "a", *begin) == 0
    resume = ["train", "--resume", "--output", str(tmp_path / "a"), "--steps", "4"]
    assert main(resume) == 0
    assert contents(tmp_path / "a") == contents(runs / loop)


def test_a_resumed_run_stays_what_it_is(runs, capsys):
    resume = "train", "--resume", "--output", runs / "plain", "--conditional"
    line = told(capsys, *resume)
    assert f"conditional: the run in {runs / 'plain'} has False, got True" in line


def test_the_labels_belong_to_the_fingerprint_of_the_data(runs):
    found = [
        json.loads((runs / name / "config.json").read_text())["data_fingerprint"]
        for name in ("train_step", "plain")
    ]
    assert found[0] != found[1]


def test_a_run_from_before_there_were_classes_still_loads(runs, tmp_path):
    config = json.loads((runs / "plain" / "config.json").read_text())
    for name in ("conditional", "classes"):
        del config[name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "history.csv").write_bytes((runs / "plain/history.csv").read_bytes())
    (tmp_path / "weights.npz").write_bytes((runs / "plain/weights.npz").read_bytes())
    assert load_generator(tmp_path).input_shape == (None, 3)
    resume = ["train", "--resume", "--output", str(tmp_path), "--steps", "2"]
    assert main(resume) == 0
    assert "resumed" not in json.loads((tmp_path / "config.json").read_text())


def test_a_config_that_contradicts_itself_is_refused(runs, tmp_path, capsys):
    config = json.loads((runs / "plain" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"classes": 10}))
    line = told(capsys, "sample", "--run", tmp_path, "--output", tmp_path / "a.npy")
    assert "classes: expected a number of them where conditional is true" in line


def by_hand_images(run, z, labels):
    z = np.concatenate([z, np.eye(10)[labels]], axis=1)
    images = np.asarray(load_generator(run)(z, training=False))
    return np.rint((images + 1) * 127.5)


def test_samples_of_one_label_and_of_all(runs, tmp_path):
    run, path = runs / "train_step", tmp_path / "a.npy"
    ask = ["sample", "--run", str(run), "--count", "12", "--output", str(path)]
    z = np.asarray(latent_noise((12, 3), 0, 0))
    for more, labels in (
        (["--label", "7"], np.full(12, 7)),
        ([], np.arange(12) % 10),
    ):
        assert main([*ask, *more]) == 0
        expected = by_hand_images(run, z, labels)
        assert np.abs(np.load(path) - expected).max() <= 1  # rounding at one half


@pytest.mark.parametrize(
    ("suffix", "more", "shape"),
    [
        (".png", [], (560, 112, 3)),  # ten rows, two columns
        (".png", ["--label", "3"], (224, 280, 3)),
        (".gif", ["--label", "3"], (229, 112, 112, 3)),
    ],
)
def test_pictures_of_a_conditional_run(runs, tmp_path, suffix, more, shape):
    path = tmp_path / f"a{suffix}"
    ask = ["sample", "--run", str(runs / "train_step"), "--count", "20"]
    assert main([*ask, "--output", str(path), *more]) == 0
    picture = imageio.imread(path)
    assert picture.shape[-3:] == shape[-3:]
    if suffix == ".png" and not more:
        column = picture.reshape(10, 56, 2, 56, 3)[:, ::2, :, ::2, 0]
        z = np.asarray(latent_noise((20, 3), 0, 0))[:2]
        for k in range(2):
            expected = by_hand_images(runs / "train_step", z[[k] * 10], np.arange(10))
            assert np.abs(column[:, :, k] - expected[..., 0]).max() <= 1


def test_a_grid_has_as_many_pictures_as_were_asked_for(runs, tmp_path):
    """Of 13 in two columns the last row has one, and three classes have none."""
    ask = ["sample", "--run", str(runs / "train_step"), "--count", "13", "--output"]
    assert main([*ask, str(tmp_path / "a.png")]) == 0
    assert imageio.imread(tmp_path / "a.png").shape == (7 * 28 * 2, 2 * 28 * 2, 3)


@pytest.mark.parametrize(
    ("run", "name", "more", "said"),
    [
        ("train_step", "a.npy", ["--label", 10], "expected 0 to 9, a class of the run"),
        ("train_step", "a.npy", ["--label", -1], "expected 0 to 9, a class of the run"),
        ("train_step", "a.gif", [], "expected one for the film of a conditional run"),
        ("plain", "a.npy", ["--label", 7], "was trained without --conditional"),
    ],
)
def test_labels_that_cannot_be_drawn_are_refused(
    runs, tmp_path, capsys, run, name, more, said
):
    ask = "sample", "--run", runs / run, "--output", tmp_path / name
    assert said in told(capsys, *ask, *more)
    assert not (tmp_path / name).exists()


def folder_of(tmp_path, names):
    for number, name in enumerate(names):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for count in range(4):
            image = np.full((28, 28, 3), 60 * number + count, np.uint8)
            imageio.imwrite(tmp_path / "pictures" / name / f"{count}.png", image)
    return ["--dataset", str(tmp_path / "pictures")]


def test_the_subfolders_of_a_folder_are_classes(tmp_path):
    data = folder_of(tmp_path, ["cats", "dogs", "eels"])
    options = ["--conditional", "--steps", "1", "--batch-size", "4", *data]
    assert train(tmp_path / "a", *options) == 0
    assert read_config(RunFolder(tmp_path / "a"))["classes"] == 3


def test_a_folder_without_subfolders_has_no_classes(tmp_path, capsys):
    data = folder_of(tmp_path, ["."])
    line = told(
        capsys,
        *("train", "--output", tmp_path / "a", *SMALL, *data, "--conditional"),
    )
    assert "conditional (--conditional): expected images with labels" in line
    assert not (tmp_path / "a").exists()


def test_evaluate_reports_each_class(runs, capsys):
    ask = ["evaluate", "--run", str(runs / "train_step"), "--count", "200"]
    assert main([*ask, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(found["classes"]["counts"]) == 200
    held_out = load_dataset("digits", "test").labels
    assert found["classes"]["real_counts"] == np.bincount(held_out).tolist()
    assert (found["generated_count"], found["real_count"]) == (200, len(held_out))
    assert main(ask) == 0
    assert "Seen as the asked digit" in capsys.readouterr().out
    assert main(["evaluate", "--run", str(runs / "plain"), "--count", "60"]) == 0
    assert "Seen as the asked digit" not in capsys.readouterr().out


def test_few_samples_of_each_digit_are_no_luck(runs, capsys, monkeypatch):
    """20 are enough; fewer are refused before anything is drawn."""
    ask = ["evaluate", "--run", str(runs / "train_step")]
    assert main([*ask, "--json", "--count", "20"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["classes"]["counts"] == [2] * 10
    assert "count: of 20 samples each digit is drawn as often" in err
    monkeypatch.setattr(commands, "load_dataset", None)
    line = told(capsys, *ask, "--count", 19)
    said = "count (--count): expected at least 20 samples, 2 of each digit; got 19"
    assert said in line
    line = told(capsys, "evaluate", "--run", runs / "plain", "--count", 9)
    assert "count (--count): expected at least 10 samples; got 9" in line


def test_a_config_of_other_classes_is_refused(runs, tmp_path, capsys):
    """By D, which answers for each class; the sum with latent_dim is as it was."""
    shutil.copytree(runs / "train_step", tmp_path / "a")
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    config |= {"classes": 11, "latent_dim": 2}
    (tmp_path / "a" / "config.json").write_text(json.dumps(config))
    output = "--output", tmp_path / "a.npy", "--label", 10
    for command in (["sample", *output], ["evaluate"]):
        line = told(capsys, *command, "--run", tmp_path / "a")
        assert "classes 11 make a D of 11 answers, and the one saved gives 10" in line
    assert not (tmp_path / "a.npy").exists()


def test_settings_that_were_changed_by_hand_get_a_word(runs, tmp_path, capsys):
    shutil.copytree(runs / "train_step", tmp_path / "a")
    path = tmp_path / "a" / "config.json"
    config = json.loads(path.read_text())
    ask = ["sample", "--run", str(tmp_path / "a"), "--count", "1"]
    ask += ["--output", str(tmp_path / "a.npy")]
    said = f"{tmp_path / 'a'}: not as it was in the training, so the samples may be"
    ours = config["settings"]
    for settings, is_said in ((ours, 0), (ours | {"leaky_slope": 0.3}, 1)):
        path.write_text(json.dumps(config | {"settings": settings}))
        capsys.readouterr()
        assert main(ask) == 0
        assert (said in capsys.readouterr().err) == is_said
    ask = ["evaluate", "--run", str(tmp_path / "a"), "--count", "20"]
    assert main(ask) == 0 and said in capsys.readouterr().err
    assert not is_changed(recorded_run("emoji").read_config())  # its G has the average


# Groups in place of labels ----------------------------------------------------


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    run = tmp_path_factory.mktemp("grouped") / "run"
    assert train(run, "--clusters", "6", "--steps", "4") == 0
    return run


def test_a_run_with_groups_is_told_those_of_k_means(grouped):
    config, images = read_config(RunFolder(grouped)), load_dataset("digits").images
    groups, labels = find_clusters(images, 6, seed=3)
    assert (config["clusters"], config["classes"], config["conditional"]) == (6, 6, 1)
    written = RunFolder(grouped).read_clusters(6, 1)
    np.testing.assert_array_equal(written.centres, groups.centres)
    np.testing.assert_array_equal(written.edges, groups.edges)
    np.testing.assert_array_equal(written.spreads, groups.spreads)
    np.testing.assert_array_equal(nearest_centres(images, written), labels)
    np.testing.assert_array_equal(written.counts, np.bincount(labels))
    assert config["data_fingerprint"] == data_fingerprint(images, "digits", labels)


def test_a_run_with_groups_resumes_bit_for_bit(grouped, tmp_path, capsys):
    assert train(tmp_path / "a", "--clusters", "6", "--steps", "2") == 0
    resume = ["train", "--resume", "--output", str(tmp_path / "a"), "--steps", "4"]
    assert main(resume) == 0
    assert contents(tmp_path / "a") == contents(grouped)
    assert "not as it was" not in capsys.readouterr().err


def test_a_resumed_run_goes_on_with_the_groups_that_it_wrote(
    grouped, tmp_path, monkeypatch
):
    shutil.copytree(grouped, tmp_path / "a")
    monkeypatch.setattr(commands, "find_clusters", None)  # it would number them anew
    resume = ["train", "--resume", "--output", str(tmp_path / "a"), "--steps", "5"]
    assert main(resume) == 0
    (tmp_path / "a" / "clusters.npz").unlink()
    assert main(resume) == 2


def test_samples_come_as_often_as_the_groups_have_images(grouped, tmp_path):
    path = tmp_path / "a.npy"
    ask = ["sample", "--run", str(grouped), "--count", "12", "--seed", "2"]
    assert main([*ask, "--output", str(path)]) == 0
    labels = RunFolder(grouped).read_clusters(6, 1).draw(12, 2)
    z = np.asarray(latent_noise((12, 3), 2, 0))
    z = np.concatenate([z, np.eye(6)[labels]], axis=1)
    images = np.asarray(load_generator(grouped)(z, training=False))
    assert np.abs(np.load(path) - np.rint((images + 1) * 127.5)).max() <= 1
    assert main([*ask, "--label", "5", "--output", str(tmp_path / "a.png")]) == 0
    assert main([*ask, "--label", "6", "--output", str(tmp_path / "b.png")]) == 2


def test_a_grid_of_a_run_with_groups_is_square(grouped, tmp_path):
    grid = imageio.imread(grouped / "samples" / "step_000004.png")
    assert grid.shape == (8 * 28 * 2, 8 * 28 * 2, 3)
    ask = ["sample", "--run", str(grouped), "--count", "9", "--output"]
    assert main([*ask, str(tmp_path / "a.png")]) == 0
    assert imageio.imread(tmp_path / "a.png").shape == (3 * 28 * 2, 3 * 28 * 2, 3)


def test_the_statistics_of_a_run_with_groups_are_those_of_its_mixture(grouped):
    generator, run = load_generator(grouped), RunFolder(grouped)
    shares = run.read_clusters(6, 1).shares
    z = latent_noise((MEASURED, 3), -1, 0)
    z = with_labels(z, spread_labels(MEASURED, 6, shares), 6)
    in_use = generator(z, training=False).numpy()
    np.testing.assert_allclose(in_use, generator(z, training=True), atol=1e-4)
    equal = with_labels(latent_noise((MEASURED, 3), -1, 0), np.arange(MEASURED) % 6, 6)
    other = generator(equal, training=False) - generator(equal, training=True)
    assert np.abs(other).max() > 1e-3


def test_evaluate_takes_groups_for_no_digits(grouped, capsys):
    ask = ["evaluate", "--run", str(grouped), "--count", "60", "--json"]
    assert main(ask) == 0
    assert "classes" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--clusters", "6", "--conditional"], "expected none with --conditional"),
        (["--clusters", "1"], "expected 2 to 1,415"),
        (["--clusters", "9999"], "expected 2 to 1,415"),
    ],
)
def test_groups_that_cannot_be_are_refused(options, said, tmp_path, capsys):
    line = told(capsys, "train", "--output", tmp_path / "a", *SMALL, *options)
    assert said in line and "clusters" in line
    assert not (tmp_path / "a").exists()


def test_a_resumed_run_keeps_its_groups(grouped, capsys):
    resume = "train", "--resume", "--output", grouped, "--clusters", "7"
    assert "clusters: the run in" in told(capsys, *resume)
    for steps in ([], ["--steps", 5]):
        line = told(capsys, *resume[:-2], "--conditional", *steps)
        assert "conditional (--conditional): the run in" in line
        assert "has groups in place of labels, --clusters 6; a resumed" in line


@pytest.mark.parametrize(
    ("centres", "counts"),
    [
        (np.zeros((5, 28, 28, 1), "f4"), np.ones(5, "i8")),
        (np.zeros((6, 28, 28, 3), "f4"), np.ones(6, "i8")),
        (np.zeros((6, 28, 28, 1), "f4"), np.ones(5, "i8")),
        (np.zeros((6, 28, 28, 1), "f8"), np.ones(6, "i8")),
        (np.full((6, 28, 28, 1), np.nan, "f4"), np.ones(6, "i8")),
        (np.zeros((6, 28, 28, 1), "f4"), np.zeros(6, "i8")),
        (np.zeros((6, 28), "f4"), np.ones(6, "i8")),
    ],
    ids=["classes", "channels", "counts", "double", "nan", "empty", "flat"],
)
def test_groups_of_another_run_are_refused(centres, counts, tmp_path):
    np.savez(tmp_path / "clusters.npz", centres=centres, counts=counts)
    with pytest.raises(UnreadableFile, match=r"clusters\.npz: expected the groups of"):
        RunFolder(tmp_path).read_clusters(6, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"edges": None}, "has no array edges"),
        ({"spreads": None}, "has no array spreads"),
        ({"edges": np.zeros((5, 7, 7, 8), "f4")}, "spreads are (5, 7, 7, 8)"),
        ({"edges": np.zeros((6, 7, 7, 4), "f4")}, "spreads are (6, 7, 7, 4)"),
        ({"edges": np.zeros((6, 7, 7, 8), "f8")}, "edges is <f8"),
        ({"edges": np.full((6, 7, 7, 8), np.inf, "f4")}, "not finite"),
        ({"spreads": np.ones(3, "f4")}, "and (3,)"),
        ({"spreads": np.array([1, 0], "f4")}, "or nothing"),
        ({"spreads": np.array([1, 1e-45], "f4")}, "or nothing"),
        ({"spreads": np.array([np.nan, 1], "f4")}, "not finite"),
    ],
    ids="none no_spreads groups kinds double inf three zero tiny nan".split(),
)
def test_edges_of_other_groups_are_refused(change, said, tmp_path):
    arrays = {"centres": np.zeros((6, 28, 28, 1), "f4"), "counts": np.ones(6, "i8")}
    arrays |= {"edges": np.zeros((6, 7, 7, 8), "f4"), "spreads": np.ones(2, "f4")}
    path, run = tmp_path / "clusters.npz", RunFolder(tmp_path)
    np.savez(path, **arrays)
    assert run.read_clusters(6, 1).edges.shape == (6, 7, 7, 8)
    np.savez(path, **{n: x for n, x in (arrays | change).items() if x is not None})
    with pytest.raises(UnreadableFile, match=r"clusters\.npz: expected") as caught:
        run.read_clusters(6, 1)
    assert said in str(caught.value)


# The report ------------------------------------------------------------------


def test_the_report_sees_swapped_labels():
    test = load_dataset("digits", "test")
    train_ = load_dataset("digits")
    right = evaluate_labels(*train_, *test, "digits")
    assert min(right.seen_as_asked) > 0.9
    swapped = train_.labels.copy()
    swapped[train_.labels == 3], swapped[train_.labels == 5] = 5, 3
    wrong = evaluate_labels(train_.images, swapped, *test, "digits")
    assert wrong.seen_as_asked[3] < 0.1 and wrong.seen_as_asked[5] < 0.1
    assert wrong.frechet_distance[3] > 10 * right.frechet_distance[3]
    assert wrong.seen_as_asked[4] == right.seen_as_asked[4]
    assert wrong.frechet_distance[4] == right.frechet_distance[4]
    assert right.counts == tuple(np.bincount(train_.labels))
    assert right.real_counts == tuple(np.bincount(test.labels))
    assert wrong.real_seen == right.real_seen and min(right.real_seen) > 0.9
    assert len({len(line) for line in right.table().splitlines()[:5]}) == 1


def test_the_share_of_all_counts_every_sample_once():
    counts, seen, alike = (1,) * 9 + (91,), (1.0,) * 9 + (0.0,), (1.0,) * 10
    report = ClassReport(counts, seen, alike, counts, alike, "digits")
    assert "asked digit: 0.0900 of all, at least 0.000 of each" in report.table()


def test_the_report_warns_of_images_in_0_to_1_on_either_side():
    test = load_dataset("digits", "test")
    bright = test._replace(images=test.images / 2 + np.float32(0.5))
    for name, sides in (("images", (bright, test)), ("real_images", (test, bright))):
        with pytest.warns(UserWarning, match=f"^{name}: all values are in .0, 1."):
            evaluate_labels(*sides[0], *sides[1], "digits")


def test_the_report_refuses_what_it_cannot_compare():
    test = load_dataset("digits", "test")
    with pytest.raises(ValueError, match="images: labels: .* 0 to 9, .* got 1 to 10"):
        evaluate_labels(test.images, test.labels + 1, *test, "digits")
    with pytest.raises(ValueError, match="got shape .* for 382 images"):
        evaluate_labels(test.images, test.labels[:-1], *test, "digits")
    with pytest.raises(ValueError, match="at least 2 of each digit, got 0 of 9"):
        evaluate_labels(test.images, np.minimum(test.labels, 8), *test, "digits")
    few = np.where(test.labels == 9, 8, test.labels)
    few[np.flatnonzero(test.labels == 9)[0]] = 9
    with pytest.raises(ValueError, match="^real_images: .* each digit, got 1 of 9"):
        evaluate_labels(*test, test.images, few, "digits")
