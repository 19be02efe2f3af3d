"""Groups among the pictures: found where they were planted, the same every time."""

import re
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from dcgan_keras.data import clusters as module
from dcgan_keras.data.clusters import (
    Clusters,
    edge_directions,
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
    np.testing.assert_array_equal(nearest_centres(images, clusters), labels)


def test_the_nearest_centre_is_that_of_the_least_squares():
    random = np.random.default_rng(1)
    centres = (
        random.normal(0, 1, (7, 4, 4, 1)) * np.linspace(0.2, 3, 7)[:, None, None, None]
    )
    images = random.normal(0, 1.5, (60, 4, 4, 1)).astype(np.float32)
    squares = ((images[:, None] - centres) ** 2).sum(axis=(2, 3, 4))
    groups = Clusters(centres.astype(np.float32), np.ones(7, np.int64))
    found = nearest_centres(images, groups)
    np.testing.assert_array_equal(found, squares.argmin(axis=1))
    assert len(set(found)) > 3


def test_they_are_the_same_every_time():
    images, _ = planted()
    one, other = (find_clusters(images, 7, seed=4) for _ in range(2))
    assert one[0].centres.tobytes() == other[0].centres.tobytes()
    np.testing.assert_array_equal(one[1], other[1])


def test_where_no_groups_are_the_seed_says_which(monkeypatch):
    """Of the centres that are begun with, and of the few components."""
    monkeypatch.setattr(module, "COMPONENTS", 20)
    images = np.random.default_rng(0).uniform(-1, 1, (300, 8, 8, 1)).astype(np.float32)
    one, other, third = (find_clusters(images, 7, seed)[1] for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


def test_the_seed_says_which_of_many_pictures_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "MOST", 40)
    images, _ = planted()
    one, other, third = (find_clusters(images, 3, seed)[0] for seed in (4, 4, 5))
    assert one.centres.tobytes() == other.centres.tobytes()
    assert one.centres.tobytes() != third.centres.tobytes()


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
    assert len(clusters.draw(5, seed=2**63 - 1)) == 5
    with pytest.raises(
        ValueError, match=r"\(--seed\): .* 0 to 9,223,372,036,854,775,8"
    ):
        clusters.draw(5, seed=2**63)


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


def test_the_shorter_side_says_how_small_pictures_become():
    assert sides_of_centres(70, 200) == (35, 100)
    assert sides_of_centres(200, 70) == (100, 35)
    assert sides_of_centres(63, 640) == (63, 640)


def lit_from(angle, side=16):
    """A picture that grows brighter in that direction, the middle alone."""
    down, right = np.mgrid[:side, :side] - (side - 1) / 2
    slope = right * np.cos(angle) + down * np.sin(angle)
    return np.tanh(slope / 2)[None, :, :, None].astype(np.float32)


def test_an_edge_is_seen_by_the_direction_that_it_faces():
    for direction in range(8):
        edges = edge_directions(lit_from(direction * np.pi / 4))
        assert edges.shape == (1, 4, 4, 8) and edges.dtype == np.float32
        middle = edges[0, 1:3, 1:3].mean(axis=(0, 1))
        assert middle.argmax() == direction
        np.testing.assert_allclose(np.delete(middle, direction), 0, atol=1e-3)
    between = edge_directions(lit_from(np.pi / 8))[0, 1, 1]
    assert between[0] > 0.1 and between[1] > 0.1 and between[2:].max() < 1e-3


def test_an_area_counts_around_its_third_pixel():
    """A dot there: the areas on both sides see as little of it."""
    image = np.zeros((1, 16, 16, 1), np.float32)
    image[0, 6, 6] = 1
    seen = (edge_directions(image)[0] ** 2).sum(axis=-1)
    assert seen.argmax() == 5  # the second of the second row, of four
    assert seen[1, 0] == pytest.approx(seen[1, 2], rel=1e-3)
    assert seen[0, 1] == pytest.approx(seen[2, 1], rel=1e-3)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_an_edge_of_any_colour_is_seen(channel):
    grey = lit_from(1.0)
    colour = np.zeros((1, 16, 16, 3), np.float32)
    colour[..., channel] = grey[..., 0]
    edges = edge_directions(colour)
    np.testing.assert_allclose(edges, edge_directions(grey), atol=1e-3)


def test_edges_of_faint_pictures_count_as_much_as_those_of_bold_ones():
    images = planted()[0]
    bold, faint = edge_directions(images), edge_directions(images / 20 - 0.7)
    np.testing.assert_allclose(bold, faint, atol=1e-4)
    np.testing.assert_allclose((bold**4).sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_array_equal(edge_directions(np.full_like(images, 0.3)), 0)


def test_the_sides_that_cells_do_not_fill_are_left_out():
    assert edge_directions(np.zeros((2, 23, 30, 3), np.float32)).shape == (2, 5, 7, 8)


def bars():
    """Bars of two directions at every place, thin and thick: pixels can't tell them."""
    images, labels = [], []
    for number in range(160):
        image, start = np.full((16, 16), -1.0), number // 2 % 10
        thick = 2 + number // 20 % 3
        image[start + 1 : start + 1 + thick] = 1 - number % 7 / 10
        images.append(image.T if number % 2 else image)
        labels.append(number % 2)
    return np.array(images, np.float32)[..., None], np.array(labels)


def test_edges_find_groups_that_pixels_do_not():
    images, labels = bars()
    right = {}
    for by in ("pixels", "edges", None):
        clusters, found = find_clusters(images, 4, by=by)
        table = np.zeros((4, 2))
        np.add.at(table, (found, labels), 1)
        right[by] = table.max(axis=1).sum() / len(images)
        np.testing.assert_array_equal(nearest_centres(images, clusters), found)
        assert (clusters.edges is None) == (by == "pixels")
    assert right["edges"] == right[None] == 1.0 and right["pixels"] < 0.9


def test_tiny_pictures_are_compared_by_pixels():
    images = planted(side=3)[0]
    default, by_pixels = (find_clusters(images, 3, by=by) for by in (None, "pixels"))
    assert default[0].edges is None and default[0].spreads is None
    np.testing.assert_array_equal(default[1], by_pixels[1])
    with pytest.raises(
        ValueError, match="^by: expected 'pixels' .* got 'edges' for 3x3"
    ):
        find_clusters(planted(side=3)[0], 3, by="edges")
    for channels in (1, 3):
        assert find_clusters(planted(4, channels)[0], 3)[0].edges.shape == (3, 1, 1, 8)


def test_the_parts_are_measured_in_their_own_spreads():
    images, _ = planted()
    clusters, labels = find_clusters(images, 3)
    looks = images, edge_directions(images)
    for look, spread in zip(looks, clusters.spreads, strict=True):
        flat = look.reshape(100, -1)
        mean_square = ((flat - flat.mean(axis=0)) ** 2).sum(axis=1).mean()
        np.testing.assert_allclose(spread, np.sqrt(mean_square), rtol=1e-5)
    for group in range(3):
        mean = looks[1][labels == group].mean(axis=0)
        np.testing.assert_allclose(clusters.edges[group], mean, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("by", ["pixels", "edges"])
@pytest.mark.parametrize("value", [np.nextafter(np.float32(0.5), np.float32(1)), 1e-45])
def test_nearly_equal_pictures_are_two_groups_or_refused(by, value):
    images = np.full((10, 8, 8, 1), 0.5 if value > 0.1 else 0, np.float32)
    images[4:, 2, 2] = value
    try:
        clusters, labels = find_clusters(images, 2, by=by)
    except ValueError as error:
        assert "expected different images, all are equal, or nearly" in str(error)
    else:
        assert sorted(clusters.counts) == [4, 6] and len(set(labels)) == 2


def test_of_centres_as_near_it_is_the_first_also_when_a_run_is_resumed():
    found_one = False
    for seed in range(700, 760):
        images = np.random.default_rng(seed).integers(-1, 2, (12, 2, 1, 1))
        images = images.astype(np.float32)
        clusters, labels = find_clusters(images, 3)
        np.testing.assert_array_equal(nearest_centres(images, clusters), labels)
        np.testing.assert_array_equal(np.bincount(labels), clusters.counts)
        squares = ((images[:, None] - clusters.centres) ** 2).sum(axis=(2, 3, 4))
        found_one |= (np.sort(squares)[:, 1] - np.sort(squares)[:, 0] < 1e-6).any()
    assert found_one


def test_what_are_no_pictures_is_refused_where_edges_are_asked_for():
    from dcgan_keras import tf

    images = planted()[0]
    clusters, labels = find_clusters(images, 3)
    edges = edge_directions(images)
    np.testing.assert_array_equal(edge_directions(tf.constant(images)), edges)
    np.testing.assert_array_equal(
        nearest_centres(tf.constant(images), clusters), labels
    )
    for wrong in (images[..., 0], images[:, :3], images[:, :, :1]):
        with pytest.raises(ValueError, match="images: expected shape .* at least 4"):
            edge_directions(wrong)
    for wrong in (images[:, :12, :12], np.repeat(images, 3, axis=3)):
        with pytest.raises(ValueError, match=r"the groups' \(16, 16, 1\), got \("):
            nearest_centres(wrong, clusters)


def test_edges_take_little_memory(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100)
    images = planted(side=32)[0].repeat(20, axis=0)
    peaks = []
    for by in ("pixels", "edges"):
        tracemalloc.start()
        find_clusters(images, 3, by=by)
        peaks.append(tracemalloc.get_traced_memory()[1] / images.nbytes)
        tracemalloc.stop()
    assert max(peaks) < 6  # times the images' own


@pytest.mark.parametrize("by", ["colour", 1, "EDGES", ["pixels"], np.array(["edges"])])
def test_another_way_to_look_is_named(by):
    with pytest.raises(ValueError, match=r"^by: expected one of pixels, edges, got"):
        find_clusters(planted()[0], 3, by=by)
