"""Groups among the pictures: found where they were planted, the same every time."""

import re

import numpy as np
import pytest
from PIL import Image

from dcgan_keras.data import clusters as module
from dcgan_keras.data.clusters import (
    Clusters,
    find_clusters,
    nearest_centres,
    sides_of_centres,
)
from dcgan_keras.data.datasets import load_dataset

SIZES = (50, 30, 20)


def planted(side=16, channels=1, seed=0):
    """Pictures around three others, in a mixed order, and which belongs to which."""
    random = np.random.default_rng(seed)
    kinds = random.uniform(-0.8, 0.8, (3, side, side, channels))
    labels = random.permutation(np.repeat(np.arange(3), SIZES))
    images = kinds[labels] + random.normal(0, 0.05, (100, side, side, channels))
    return np.clip(images, -1, 1).astype(np.float32), labels


def test_planted_groups_are_found_the_largest_first():
    images, labels = planted()
    clusters, found = find_clusters(images, 3)
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(clusters.counts, SIZES)
    for number in range(3):
        mean = images[labels == number].mean(axis=0)
        np.testing.assert_allclose(clusters.centres[number], mean, atol=1e-5)
    assert (clusters.centres.dtype, clusters.counts.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(nearest_centres(images, clusters.centres), labels)


def test_the_nearest_centre_is_that_of_the_least_squares():
    random = np.random.default_rng(1)
    centres = (
        random.normal(0, 1, (7, 4, 4, 1)) * np.linspace(0.2, 3, 7)[:, None, None, None]
    )
    images = random.normal(0, 1.5, (60, 4, 4, 1)).astype(np.float32)
    squares = ((images[:, None] - centres) ** 2).sum(axis=(2, 3, 4))
    found = nearest_centres(images, centres.astype(np.float32))
    np.testing.assert_array_equal(found, squares.argmin(axis=1))
    assert len(set(found)) > 3


def test_they_are_the_same_every_time():
    images, _ = planted()
    one, other = (find_clusters(images, 7, seed=4) for _ in range(2))
    assert one[0].centres.tobytes() == other[0].centres.tobytes()
    np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(("side", "small"), [(64, 32), (72, 36), (28, 28)])
def test_large_pictures_are_compared_small(side, small):
    images, labels = planted(side, channels=3)
    clusters, found = find_clusters(images, 3)
    assert clusters.centres.shape == (3, small, small, 3)
    np.testing.assert_array_equal(found, labels)
    corner = images[labels == 0][:, : side // small, : side // small, 2].mean()
    np.testing.assert_allclose(clusters.centres[0, 0, 0, 2], corner, atol=1e-5)


def test_of_many_pictures_some_are_looked_at_and_all_are_told(monkeypatch):
    monkeypatch.setattr(module, "MOST", 40)
    monkeypatch.setattr(module, "CHUNK", 7)
    images, labels = planted()
    clusters, found = find_clusters(images, 3)
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(clusters.counts, SIZES)


def test_pictures_on_the_disk_are_grouped_like_an_array(tmp_path):
    images, _ = planted()
    for number, image in enumerate(np.round((images + 1) * 127.5).astype(np.uint8)):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number:03d}.png")
    in_memory, streamed = (
        load_dataset(tmp_path, stream=stream).images for stream in (False, True)
    )
    assert not isinstance(streamed, np.ndarray)
    one, other = find_clusters(in_memory, 5), find_clusters(streamed, 5)
    np.testing.assert_array_equal(one[0].centres, other[0].centres)
    np.testing.assert_array_equal(one[1], other[1])


def test_equal_pictures_make_fewer_groups():
    images = np.repeat(planted()[0][:2], 10, axis=0)
    clusters, labels = find_clusters(images, 5)
    np.testing.assert_array_equal(clusters.counts, [10, 10])
    assert len(set(labels[:10])) == len(set(labels[10:])) == 1


@pytest.mark.parametrize("count", [1, 101, 10**6])
def test_a_number_of_groups_that_cannot_be_is_refused(count):
    with pytest.raises(
        ValueError, match=rf"--clusters\): expected 2 to 100.*{count:,}"
    ):
        find_clusters(planted()[0], count)


def test_no_more_groups_than_pictures_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "MOST", 40)
    with pytest.raises(ValueError, match="expected 2 to 40 of 100 images, got 41"):
        find_clusters(planted()[0], 41)


def test_pictures_that_are_all_equal_are_refused():
    with pytest.raises(ValueError, match="expected different images"):
        find_clusters(np.zeros((9, 16, 16, 1), np.float32), 3)


def test_groups_are_drawn_as_often_as_they_have_pictures():
    clusters = Clusters(np.zeros((3, 2, 2, 1), np.float32), np.array([70, 20, 10]))
    drawn = clusters.draw(10_000, seed=1)
    shares = np.bincount(drawn, minlength=3) / 10_000
    np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.02)
    np.testing.assert_array_equal(drawn, clusters.draw(10_000, seed=1))
    assert (drawn != clusters.draw(10_000, seed=2)).any()


@pytest.mark.parametrize("count", [3.0, 2.5, "3", True, None])
def test_a_number_of_groups_that_is_none_is_named(count):
    with pytest.raises(ValueError, match="expected 2 to 100 of 100 images, got [^,]+$"):
        find_clusters(planted()[0], count)


def test_what_are_no_pictures_is_refused_and_tensors_are_taken():
    from dcgan_keras import tf

    images = planted()[0]
    labels = find_clusters(images, 3)[1]
    np.testing.assert_array_equal(find_clusters(tf.constant(images), 3)[1], labels)
    for said, wrong in {
        "an array (N, H, W, C), got list": list(images),
        "shape (N, H, W, C), N > 0": images[..., 0],
        "float32 in [-1, 1], got float64": images.astype(np.float64),
    }.items():
        with pytest.raises(ValueError, match=re.escape(f"images: expected {said}")):
            find_clusters(wrong, 3)
    images[3, 1] = np.nan
    with pytest.raises(ValueError, match="images: 1 of 100 images hold NaN"):
        find_clusters(images, 3)


@pytest.mark.parametrize("count", [-1, 1.5, "a"])
def test_a_number_of_draws_that_is_none_is_named(count):
    clusters = Clusters(np.zeros((2, 2, 2, 1), np.float32), np.array([7, 2]))
    with pytest.raises(ValueError, match="^count: expected a whole number >= 0, got"):
        clusters.draw(count, 0)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None])
def test_a_seed_that_k_means_does_not_take_is_named(seed):
    images, _ = planted()
    with pytest.raises(ValueError, match=r"\(--seed\): .* 0 to 4,294,967,295, got"):
        find_clusters(images, 3, seed)


@pytest.mark.parametrize("sides", [(28, 28), (64, 64), (96, 96), (63, 63)])
def test_the_sides_of_centres_are_known_before(sides):
    images = np.zeros((2, *sides, 1), np.float32)
    images[1] = 1
    clusters, _ = find_clusters(images, 2)
    assert clusters.centres.shape[1:3] == sides_of_centres(*sides)
