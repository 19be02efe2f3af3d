"""The nearest neighbour in a stream against scikit-learn, and what is refused."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation import nearest_neighbour
from dcgan_keras.evaluation.nearest_neighbour import (
    classified_samples,
    labelled_samples,
    nearest_neighbour_errors,
)
from dcgan_keras.models import build_generator
from dcgan_keras.noise import latent_noise


def by_scikit_learn(train, test, count):
    model = KNeighborsClassifier(1, algorithm="brute")
    model.fit(train[0][:count].reshape(count, -1), train[1][:count])
    return 1 - model.score(test[0].reshape(len(test[0]), -1), test[1])


@pytest.mark.parametrize("part", [1, 7, 100, 1415])
def test_errors_are_those_of_scikit_learn(part, monkeypatch):
    monkeypatch.setattr(nearest_neighbour, "PART", 60)
    train, test = load_dataset("digits"), load_dataset("digits", "test")
    parts = [
        (train.images[at : at + part], train.labels[at : at + part])
        for at in range(0, len(train.images), part)
    ]
    counts = [10, 61, 200, 1000, 1415]
    errors = nearest_neighbour_errors(*test, iter(parts), reversed(counts))
    assert list(errors) == counts
    for count in counts:
        assert errors[count] == pytest.approx(by_scikit_learn(train, test, count))
    assert errors[10] > 3 * errors[1415] > 0


@pytest.mark.parametrize("far", [293, -3000, 1e9])
def test_images_far_from_0_lose_nothing(far):
    random = np.random.default_rng(0)
    train = random.normal(size=(200, 8, 8, 1))
    test, labels = train + 0.2 * random.normal(size=train.shape), np.arange(200)
    kind = np.float32 if abs(far) < 1e4 else np.float64
    train, test = (train + far).astype(kind), (test + far).astype(kind)
    parts = [(train[:90], labels[:90]), (train[90:], labels[90:])]
    errors = nearest_neighbour_errors(test, labels, parts, [90, 200])
    assert errors == {90: pytest.approx(0.55), 200: 0.0}


@pytest.mark.parametrize("seed", [1.5, "a", 2**60])
def test_a_seed_that_gives_no_noise_is_refused(seed):
    generator = build_generator(channels=2, latent_dim=13)
    for samples in (labelled_samples, classified_samples):
        with pytest.raises(ValueError, match="^seed .*expected a whole number"):
            next(samples(generator, 10, seed=seed))


def test_memory_does_not_grow_and_no_more_is_drawn_than_asked_for():
    drawn = []

    def parts():
        while True:
            drawn.append(1)
            yield np.ones((50, 4), np.float32), np.zeros(50, int)

    test = np.zeros((3, 4)), np.array([0, 0, 1])
    assert nearest_neighbour_errors(*test, parts(), [120]) == {
        120: pytest.approx(1 / 3)
    }
    assert len(drawn) == 3


def test_counts_and_seeds_of_8_bits_count_as_any_other():
    generator = build_generator((8, 8, 1), latent_dim=4, channels=2, classes=3, seed=1)
    test = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1))
    labels = np.arange(5) % 3
    small, plain = (
        nearest_neighbour_errors(
            test, labels, labelled_samples(generator, 3, seed), counts
        )
        for seed, counts in ((np.int8(100), [np.uint8(200), 300]), (100, [200, 300]))
    )
    assert small == plain


def test_a_tie_goes_to_the_earlier_image():
    same = np.ones((1, 4), np.float32)
    parts = [(same, [1]), (same, [0])]
    assert nearest_neighbour_errors(same, [1], parts, [1, 2]) == {1: 0.0, 2: 0.0}


@pytest.mark.parametrize("sizes", [(1, 2, 50, 17, 230), (300,)])
def test_a_tie_of_images_in_parts_of_any_size_goes_to_the_earlier(sizes):
    """Matrix products round one image's distance by the place that it stands in."""
    test, train = (
        np.random.default_rng(n).random((m, 784)) for n, m in ((0, 50), (1, 300))
    )
    parts, ends = [(train, np.zeros(300, int))], np.cumsum((0, *sizes))
    for first, end in zip(ends, ends[1:], strict=False):
        parts.append((train[first:end], np.ones(end - first, int)))
    errors = nearest_neighbour_errors(test, np.zeros(50, int), parts, [300, 600])
    assert errors == {300: 0.0, 600: 0.0}


def test_what_is_nearer_by_less_than_products_round_is_nearer():
    test = np.random.default_rng(0).normal(size=(50, 784))
    pixels, parts = np.eye(784), []
    for number, step in enumerate((0.01, 0.0099)):
        parts.append((test + step * pixels[number], np.full(50, number)))
    errors = nearest_neighbour_errors(test, np.ones(50, int), parts, [50, 100])
    assert errors == {50: 1.0, 100: 0.0}


def test_asked_labels_come_with_the_images_that_were_asked_for():
    generator = build_generator((16, 16, 1), 3, 4, 3, classes=5, seed=1)
    samples = labelled_samples(generator, 5, seed=2)
    for step in range(2):  # each part from a noise of its own
        images, labels = next(samples)
        assert labels[:7].tolist() == [0, 1, 2, 3, 4, 0, 1]
        z = np.asarray(latent_noise((1000, 3), 2, step))
        by_hand = generator(np.concatenate([z, np.eye(5)[labels]], 1), training=False)
        np.testing.assert_allclose(images, by_hand, atol=1e-6)


def test_classes_of_8_bits_leave_room_for_a_long_noise():
    class Generator:
        input_shape = None, 310

        def __call__(self, z, training):
            return z[:, -10:]

    images, labels = next(labelled_samples(Generator(), np.uint8(10)))
    np.testing.assert_array_equal(images, np.eye(10)[labels])


@pytest.mark.parametrize("classes", [0, -1, 2.5, 8])
def test_classes_that_the_generator_does_not_take_are_refused(classes):
    generator = build_generator((16, 16, 1), 3, 4, 3, classes=5, seed=1)
    with pytest.raises(
        ValueError, match="classes: expected 1 to 7, .* takes 8 numbers"
    ):
        next(labelled_samples(generator, classes))


def test_samples_of_an_unconditional_generator_get_what_a_classifier_sees():
    generator = build_generator((16, 16, 1), 3, 4, 3, seed=1)

    def classifier(images):
        dark = images.mean(axis=(1, 2, 3)) < 0
        return images, np.stack([dark, ~dark], axis=1)

    samples = classified_samples(generator, classifier, seed=2)
    (first, labels), (second, _) = next(samples), next(samples)
    np.testing.assert_array_equal(labels, first.mean(axis=(1, 2, 3)) >= 0)
    assert np.abs(first - second).max() > 0
    by_hand = generator(latent_noise((1000, 3), 2, 0), training=False)
    np.testing.assert_allclose(first, by_hand, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": []}, "counts: expected numbers of images >= 1, got"),
        ({"counts": [0]}, "counts: expected numbers of images >= 1, got"),
        ({"counts": [9]}, "parts: expected 9 images in all, got 4"),
        ({"test_labels": [0, 1]}, r"test_images: expected whole numbers of shape \(3,"),
        ({"test_labels": [0.0, 1, 1]}, "as labels, got float64"),
        ({"test_images": np.zeros(3)}, r"test_images: expected shape \(N, ...\)"),
        ({"test_images": np.zeros((3, 5))}, r"parts: expected images of shape \(5,\)"),
        ({"test_images": np.zeros((3, 2, 2))}, r"of shape \(2, 2\) as in test_images"),
        ({"test_images": np.full((3, 4), np.inf)}, "test_images: .* got inf to inf"),
        (
            {"test_images": np.zeros((3, 4), np.uint8)},
            "test_images: .* got uint8; scale",
        ),
        ({"parts": [(np.diag([1, 1, np.nan, 1]), np.arange(4))]}, "parts: .* got nan"),
        ({"parts": [(np.ones((4, 4)), np.arange(9))]}, r"parts: .* \(4,\) as labels"),
        (
            {"counts": [1, 2.5]},
            r"counts: expected numbers of images >= 1, got \[1, 2.5",
        ),
        ({"counts": [True]}, "counts: expected numbers of images >= 1, got"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    right = {
        "test_images": np.zeros((3, 4)),
        "test_labels": [0, 1, 1],
        "parts": [(np.ones((4, 4)), np.arange(4))],
        "counts": [4],
    }
    with pytest.raises(ValueError, match=message):
        nearest_neighbour_errors(**(right | change))
