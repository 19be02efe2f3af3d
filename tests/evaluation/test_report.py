"""The shipped classifiers, and all numbers at once on planted bad samples."""

import json
import shutil
from types import SimpleNamespace
from unittest.mock import Mock, call

import numpy as np
import pytest

from dcgan_keras.data import datasets
from dcgan_keras.evaluation import classifier as classifier_module
from dcgan_keras.evaluation import report
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.conditional import evaluate_labels
from dcgan_keras.evaluation.picture_report import evaluate_pictures
from dcgan_keras.evaluation.report import evaluate_images
from dcgan_keras.files import UnreadableFile, find_data

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def digits():
    from dcgan_keras.data.datasets import load_dataset

    return {split: load_dataset("digits", split=split) for split in ("train", "test")}


class TestClassifier:
    @pytest.mark.parametrize("name", ["mnist", "digits"])
    def test_weights_are_small_and_hold_no_pickles(self, name):
        path = find_data(f"classifier/{name}.npz")
        assert path.stat().st_size < 1e6
        with np.load(path, allow_pickle=False) as file:
            assert all(file[key].dtype == np.float32 for key in file.files)

    @pytest.mark.parametrize("name", ["mnist", "digits"])
    def test_provenance_says_how_it_was_made(self, name):
        told = load_classifier(name).provenance
        assert told["dataset"] == name and f"--dataset {name}" in told["command"]
        assert {"seed", "epochs", "cpu_seconds", "date", "versions"} <= set(told)
        right = 1 - told["test_errors"] / told["test_images"]
        assert told["test_accuracy"] == pytest.approx(right, abs=1e-5)

    def test_digits_accuracy_is_the_one_that_is_told(self, digits):
        classifier = load_classifier("digits")
        images, labels = digits["test"]
        _, probabilities = classifier(images)
        errors = int(np.sum(probabilities.argmax(axis=1) != labels))
        assert (
            abs(errors - classifier.provenance["test_errors"]) <= 1
        )  # another machine
        assert errors / len(labels) < 0.05

    def test_mnist_accuracy_is_the_one_that_is_told(self, mnist_test):
        classifier = load_classifier("mnist")
        _, probabilities = classifier(mnist_test.images)
        errors = int(np.sum(probabilities.argmax(axis=1) != mnist_test.labels))
        assert abs(errors - classifier.provenance["test_errors"]) <= 2
        assert errors < 60  # 99.4 %

    def test_gives_features_and_probabilities(self, digits):
        features, probabilities = load_classifier("digits")(digits["test"].images)
        assert features.shape == (382, 64) and features.dtype == np.float32
        assert features.min() >= 0 and (features.std(axis=0) > 0).all()
        assert probabilities.dtype == np.float64
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)

    def test_the_batch_size_changes_nothing(self, digits):
        look, images = load_classifier("digits"), digits["test"].images[:30]
        for one, other in zip(look(images), look(images, batch_size=7), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    def test_no_more_images_are_looked_at_at_once_than_asked(self, digits, monkeypatch):
        look, images, seen = load_classifier("digits"), digits["test"].images, []
        forward = look._forward
        monkeypatch.setattr(
            look, "_forward", lambda some: seen.append(len(some)) or forward(some)
        )
        look(images[:10], batch_size=4)
        look(images[:300], batch_size=np.uint8(200))  # 200 and 200 were 144
        assert seen == [4, 4, 2, 200, 100]

    def test_loading_leaves_seeds_and_precision_alone(self, digits):
        import random

        from dcgan_keras import keras

        load = classifier_module._load.__wrapped__  # not from the cache
        path = str(find_data("classifier/digits.npz"))
        images = digits["test"].images[:20]
        expected = load(path)(images)
        keras.utils.set_random_seed(3)
        before = random.getstate()
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = load(path)(images)
        finally:
            keras.config.set_dtype_policy(policy)
        assert random.getstate() == before
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_is_loaded_once(self):
        one, other = (load_classifier("digits") for _ in range(2))
        assert one is other

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (
                np.zeros((5, 32, 32, 3), np.float32),
                "for colour .* none .* is available",
            ),
            (np.zeros((28, 28, 1), np.float32), "got .28, 28, 1."),
            (np.zeros((0, 28, 28, 1), np.float32), "N > 0"),
            (np.zeros((5, 28, 28, 1), np.uint8), "expected float32 .* got uint8"),
            (np.full((5, 28, 28, 1), 255, np.float32), "got 255 to 255"),
            (np.full((5, 28, 28, 1), np.nan, np.float32), "got nan"),
            (np.ma.zeros((5, 28, 28, 1), np.float32), "real numbers, got a masked one"),
            ([[1.0], [1.0, 2.0]], "an array of real numbers, got list"),
            (None, "an array of real numbers, got NoneType"),
        ],
    )
    def test_refuses(self, images, message):
        with pytest.raises(ValueError, match=f"images: .*{message}"):
            load_classifier("digits")(images)

    @pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, None])
    def test_refuses_a_batch_size_that_is_none(self, digits, batch_size):
        with pytest.raises(
            ValueError, match="batch_size: expected a whole number >= 1"
        ):
            load_classifier("digits")(digits["test"].images[:4], batch_size=batch_size)

    def test_unknown_names_and_places_are_told(self):
        with pytest.raises(ValueError, match="one of mnist, digits.* got 'cifar10'"):
            load_classifier("cifar10")
        with pytest.raises(FileNotFoundError, match="looked for .*data.* and .*files"):
            find_data("classifier/nobody.npz")


@pytest.fixture
def mnist_test():
    return datasets.load_dataset("mnist", split="test")


class TestTraining:
    def test_augmentation_keeps_range_and_labels(self, digits):
        from dcgan_keras import tf
        from dcgan_keras.evaluation.train_classifier import augment

        tf.random.set_seed(0)
        images = digits["train"].images[:64]
        moved, labels = augment(tf.constant(images), digits["train"].labels[:64])
        moved = moved.numpy()
        assert moved.shape == images.shape
        assert moved.min() >= -1 and moved.max() <= 1
        assert (np.abs(moved - images).max(axis=(1, 2, 3)) > 0.1).all()
        np.testing.assert_array_equal(labels, digits["train"].labels[:64])
        # The digits stay where they are on the whole: within the 2 pixels of the shift.
        assert np.abs(centre(moved) - centre(images)).max() < 4
        assert np.abs((centre(moved) - centre(images)).mean()) < 0.5

    def test_the_command_trains_and_stores(self, tmp_path, capsys):
        from dcgan_keras.evaluation.__main__ import main

        main(
            f"train-classifier --dataset digits --epochs 2 --output {tmp_path}".split()
        )
        assert "errors on 382 test images" in capsys.readouterr().out
        told = json.loads((tmp_path / "digits.json").read_text("utf-8"))
        assert told["epochs"] == 2
        loaded = classifier_module._load(str(tmp_path / "digits.npz"))
        assert loaded.provenance == told

    def test_the_command_refuses_before_it_trains(self, tmp_path, capsys, monkeypatch):
        from dcgan_keras.evaluation import __main__ as command

        monkeypatch.setattr(command, "save_classifier", None)
        (tmp_path / "file").write_text("")
        (tmp_path / "digits.npz").mkdir()
        (tmp_path / "other" / "digits.json").mkdir(parents=True)
        for output, said in (
            ("file", "expected a folder, "),
            ("", f"expected a file, {tmp_path / 'digits.npz'} is a folder"),
            ("other", f"expected a file, {tmp_path / 'other' / 'digits.json'} is a"),
        ):
            options = ["--dataset", "digits", "--output", str(tmp_path / output)]
            assert command.main(["train-classifier", *options]) == 2
            assert f"output (--output): {said}" in capsys.readouterr().err
        options = ["--dataset", "digits", "--output", str(tmp_path / "new"), "--seed"]
        assert command.main(["train-classifier", *options, str(2**32)]) == 2
        said = "seed (--seed): expected a whole number, 0 to 4,294,967,295, got"
        assert said in capsys.readouterr().err
        with pytest.raises(SystemExit, match="2"):
            command.main(["train-classifier", *options, "1_0"])

    def test_the_command_trains_what_is_typed(self, tmp_path, capsys, monkeypatch):
        from dcgan_keras.evaluation import __main__ as command

        told = {"test_errors": 3, "test_images": 382, "test_accuracy": 0.99215}
        trained = SimpleNamespace(provenance=told)
        train, save = Mock(return_value=trained), Mock(return_value="a.npz")
        monkeypatch.setattr(command, "train_classifier", train)
        monkeypatch.setattr(command, "save_classifier", save)
        monkeypatch.setattr(command, "check_file", Mock())
        typed = f"--dataset digits --epochs 4 --seed 5 --output {tmp_path}".split()
        assert command.main(["train-classifier", *typed]) == 0
        assert command.main(["train-classifier"]) == 0
        assert train.mock_calls == [
            call("digits", 4, 5, verbose=2),
            call("mnist", None, 0, verbose=2),
        ]
        assert save.mock_calls == [call(trained, tmp_path), call(trained, command.DATA)]
        line = "a.npz: 3 errors on 382 test images, accuracy 99.22 %"
        assert capsys.readouterr().out.splitlines() == [line] * 2

    def test_what_is_asked_for_reaches_the_training(self, tmp_path, monkeypatch):
        """Numbers of NumPy too, which Keras refused as a seed and JSON as epochs."""
        from dcgan_keras.evaluation import train_classifier as module

        compiled = Mock()
        monkeypatch.setattr(module, "_compiled", compiled)
        monkeypatch.setattr(module, "_test_accuracy", lambda *_: {})
        monkeypatch.setattr(module, "build_classifier", drawn_weights)
        asked = {"verbose": 2, "callbacks": ("one",)}
        found = [
            module.train_classifier("digits", epochs, np.int64(seed), **asked)
            for epochs, seed in ((np.uint8(17), 3), (None, 3), (17, 4))
        ]
        assert [c.args[1] for c in compiled.call_args_list] == [374, 22 * 60, 374]
        options = compiled.return_value.fit.call_args_list[0].kwargs
        expected = {"epochs": 17, "shuffle": False, "verbose": 2, "callbacks": ["one"]}
        assert options == expected
        first, second, third = (one.model.get_weights()[0] for one in found)
        assert np.array_equal(first, second) and not np.array_equal(first, third)
        path = module.save_classifier(found[0], tmp_path)
        told = json.loads(path.with_suffix(".json").read_text("utf-8"))
        assert (told["epochs"], told["seed"], told["batch_size"]) == (17, 3, 64)
        assert told["command"].endswith("--dataset digits --epochs 17 --seed 3")

    def test_batches_are_whole_shuffled_anew_and_changed(self, monkeypatch):
        from dcgan_keras.evaluation import train_classifier as module

        monkeypatch.setattr(module, "augment", lambda images, labels: (-images, labels))
        numbers = np.arange(30)

        def passes(seed):
            data = module._batches(numbers, numbers, 8, seed)
            return [[np.array(batch) for batch in data] for _ in range(2)]

        first, second = passes(seed=1)
        assert [batch.shape for batch in first] == [(2, 8)] * 3
        images, labels = np.concatenate(first, axis=1)
        np.testing.assert_array_equal(-images, labels)
        assert len(set(labels)) == 24 and (np.diff(labels) < 0).sum() > 3
        assert not np.array_equal(first, second)
        assert np.array_equal(first, passes(seed=1)[0])
        assert not np.array_equal(first, passes(seed=2)[0])

    def test_the_rate_falls_to_0_and_the_loss_is_of_logits(self):
        from dcgan_keras import keras
        from dcgan_keras.evaluation.train_classifier import _compiled

        images = keras.Input((2,))
        model = keras.Model(images, (images, keras.layers.Dense(2)(images)))
        trainer = _compiled(model, 100)
        rates = [float(trainer.optimizer._learning_rate(n)) for n in (0, 50, 100)]
        assert rates == pytest.approx([3e-3, 1.5e-3, 0], abs=1e-9)
        loss = float(trainer.loss(np.array([1]), np.array([[1.0, 3.0]])))
        assert loss == pytest.approx(np.log1p(np.exp(-2)))

    def test_the_accuracy_that_is_told_is_that_of_the_test_images(self):
        from dcgan_keras.evaluation.train_classifier import _test_accuracy

        classifier = load_classifier("digits")
        found, told = _test_accuracy(classifier, "digits"), classifier.provenance
        assert found["test_images"] == told["test_images"] == 382
        assert abs(found["test_errors"] - told["test_errors"]) <= 1  # another machine
        right = 1 - found["test_errors"] / 382
        assert found["test_accuracy"] == pytest.approx(right, abs=1e-5)

    @pytest.mark.parametrize("epochs", [0, -1, 2.5])
    def test_epochs_that_are_none_are_refused(self, epochs):
        from dcgan_keras.evaluation.train_classifier import train_classifier

        with pytest.raises(ValueError, match="epochs: expected a whole number >= 1"):
            train_classifier("digits", epochs)

    def test_weights_that_do_not_fit_are_refused(self, tmp_path):
        np.savez(tmp_path / "bad.npz", weight_00=np.ones(3))
        with pytest.raises(ValueError, match="bad.npz: expected weights of shapes"):
            classifier_module._load(str(tmp_path / "bad.npz"))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda w: w.pop("weight_01"), "it has no array weight_01"),
            (lambda w: w.update(weight_02=np.ones(4)), "weight_02 is float64"),
            (lambda w: w.update(weight_02=w["weight_02"] * np.inf), "NaN or infinity"),
            (lambda w: w.update(weight_99=w["weight_02"]), "expected 3 arrays, got 4"),
        ],
    )
    def test_damaged_weights_are_named(self, tmp_path, change, said):
        weights = {f"weight_{n:02d}": np.ones(4, np.float32) for n in range(3)}
        path = tmp_path / "a.npz"
        np.savez(path, **weights)
        assert len(classifier_module._read_weights(path, [(4,)] * 3)) == 3
        change(weights)
        np.savez(path, **weights)
        with pytest.raises(UnreadableFile, match=f"{path}: .*{said}"):
            classifier_module._read_weights(path, [(4,)] * 3)

    def test_provenance_that_is_no_object_is_named(self, tmp_path):
        shutil.copy(find_data("classifier/digits.npz"), tmp_path)
        (tmp_path / "digits.json").write_text("[]")
        with pytest.raises(UnreadableFile, match=r"digits\.json: expected how"):
            classifier_module._load(str(tmp_path / "digits.npz"))


def drawn_weights():
    """A network of two weights that follow from Keras's seed."""
    from dcgan_keras import keras

    weights = [np.array(keras.initializers.RandomNormal()((2,)))]
    return SimpleNamespace(get_weights=lambda: weights)


def centre(images):
    """Centre of mass (N, 2) in pixels."""
    ink = images[..., 0] + 1
    grid = np.indices((28, 28))
    return np.einsum("nhw,dhw->nd", ink, grid) / ink.sum(axis=(1, 2))[:, np.newaxis]


@pytest.fixture(scope="module")
def results(digits):
    train, test = digits["train"], digits["test"]
    rng = RNG(0)
    new, real = np.split(test.images[rng.permutation(382)], 2)
    ones = train.images[train.labels == 1]
    sets = {
        "new": new,
        "copies": train.images[:300],
        "one_digit": ones[:100],
        "repeats": np.repeat(new[:10], 15, axis=0),
        "noise": rng.uniform(-1, 1, (200, 28, 28, 1)).astype(np.float32),
    }
    return {
        name: evaluate_images(images, real, train.images, classifier="digits")
        for name, images in sets.items()
    }


class TestEvaluateImages:
    def test_new_images_are_at_the_floor(self, results):
        new = results["new"].generated
        assert new.classes_covered == 10
        assert new.p_value > 1e-3
        assert new.classifier_score > 9
        assert new.frechet_distance < 3 * results["new"].floor.frechet_distance
        assert new.distance_ratio == pytest.approx(1, abs=0.1)
        assert new.near_training < 0.1 and new.near_each_other < 0.1

    def test_digits_beyond_doubt_are_counted(self, results, digits):
        """The share whose most likely class has at least 0.9."""
        images = digits["test"].images
        new = images[RNG(0).permutation(382)][:191]
        sure = load_classifier("digits")(new)[1].max(axis=1)
        share = results["new"].generated.confident_share
        assert 0 < share == (sure >= 0.9).mean() < 1

    def test_copies_are_detected(self, results):
        copies = results["copies"].generated
        assert copies.distance_ratio == 0 and copies.near_training == 1
        assert copies.classes_covered == 10  # all that the other numbers see is fine

    def test_one_digit_only_is_detected(self, results):
        ones = results["one_digit"].generated
        assert ones.classes_covered == 1 and ones.p_value < 1e-20
        assert ones.class_counts[1] >= 95
        assert ones.classifier_score < 1.5
        assert ones.recall < 0.3 < ones.precision
        new = results["new"].generated.frechet_distance
        assert ones.frechet_distance > 5 * new

    def test_repeats_are_detected(self, results):
        repeats = results["repeats"].generated
        assert repeats.near_each_other == 1
        assert repeats.recall < 0.2
        assert repeats.near_training < 0.2

    def test_noise_is_detected(self, results):
        noise = results["noise"].generated
        assert noise.recall == 0 and noise.classes_covered <= 1
        assert noise.distance_ratio > 2
        new = results["new"].generated.frechet_distance
        assert noise.frechet_distance > 5 * new

    def test_sizes_are_told(self, results):
        result = results["one_digit"]
        assert (result.generated_count, result.real_count) == (100, 191)
        assert (result.floor_count, result.floor_reference_count) == (100, 191)
        assert (result.neighbours_count, result.memorisation_count) == (100, 100)

    def test_json_and_table_say_the_same(self, results):
        result = results["new"]
        told = json.loads(result.to_json())
        assert (
            told["generated"]["frechet_distance"] == result.generated.frechet_distance
        )
        table = str(result)
        assert f"{result.generated.frechet_distance:.3f}" in table
        assert f"{result.floor.frechet_distance:.3f}" in table
        assert "191 samples against 191 real" in table
        heads, *rows = table[table.index("class  ") :].splitlines()[:3]
        assert heads.split()[1:] == [str(digit) for digit in range(10)]
        assert [int(n) for n in rows[0].split()[1:]] == told["generated"][
            "class_counts"
        ]
        assert max(map(len, table.splitlines())) <= 80

    def test_the_table_has_samples_first_and_real_images_beside(self, results):
        result = results["one_digit"]
        lines = result.table().splitlines()
        for (field, label, form), line in zip(report.ROWS, lines[1:], strict=False):
            pair = (getattr(side, field) for side in (result.generated, result.floor))
            assert line.startswith(label)
            assert line[38:].split() == [format(number, form) for number in pair]
        (counts,) = (line.split()[1:] for line in lines if line.startswith("  real "))
        assert counts == [str(count) for count in result.floor.class_counts]

    def test_the_first_images_stand_for_all(self, digits, monkeypatch):
        """In the order of the digits, and of those on the other side backwards."""
        monkeypatch.setattr(report, "NEIGHBOURS_COUNT", 90)
        images, labels = digits["test"]
        images = images[np.argsort(labels, kind="stable")]
        result = evaluate_images(images, images[::-1], classifier="digits")
        assert result.neighbours_count == 90 and "90 a side" in result.table()
        assert min(result.generated.precision, result.generated.recall) > 0.7
        assert min(result.floor.precision, result.floor.recall) > 0.6
        assert result.floor.p_value > 1e-3

    def test_so_many_are_compared_as_the_seed_draws(self, digits, monkeypatch):
        monkeypatch.setattr(report, "COMPARED", 15)
        train, labels = digits["train"]
        train = train[np.argsort(labels, kind="stable")]
        test = digits["test"].images
        found = [
            evaluate_images(test[:30], test[30:90], train, "digits", seed)
            for seed in (0, 3, 3)
        ]
        assert found[0].floor != found[1].floor and found[1] == found[2]
        assert found[0].memorisation_count == 15
        assert max(found[0].floor.class_counts) < 10  # of 30: the first are all 0
        assert "Distances to training: 15 images" in found[0].table()
        assert found[0].generated.distance_ratio != found[1].generated.distance_ratio

    def test_classes_are_compared_with_those_of_the_real_images(self):
        features, probabilities = RNG(0).normal(size=(40, 3)), np.eye(10)[[2, 5] * 20]
        seen = features, probabilities
        scores = report._scores(seen, seen, 20, None)
        assert (scores.chi2, scores.p_value, scores.classes_covered) == (0, 1, 2)
        assert scores.confident_share == 1

    def test_without_training_images(self, digits):
        images = digits["test"].images
        result = evaluate_images(images[:100], images[100:], classifier="digits")
        assert result.generated.distance_ratio is None
        assert (result.floor_count, result.floor_reference_count) == (141, 141)
        assert result.floor.frechet_distance > 1  # of two halves that share no image
        assert "to training" not in result.table()

    @pytest.mark.parametrize("samples", ["train", "test"])
    def test_held_out_images_that_were_trained_on_are_no_measure(self, digits, samples):
        known = digits["train"].images[:200]
        images = digits[samples].images[:50]
        result = evaluate_images(images, known, known, classifier="digits")
        told = json.loads(result.to_json(), parse_constant=pytest.fail)
        for side in ("generated", "floor"):
            assert told[side]["distance_ratio"] is told[side]["near_training"] is None
        assert told["generated"]["near_each_other"] > told["floor"]["near_each_other"]
        table = result.table()
        assert "ratio" not in table and "nearer to training" not in table
        assert "nearer to each other" in table
        assert "among the real images are copies" in table
        assert max(map(len, table.splitlines())) <= 80

    def test_takes_tensors(self, digits):
        from dcgan_keras import tf

        train, test = (digits[split].images for split in ("train", "test"))
        sets = [test[:50], test[50:100], train[:100]]
        tensors = map(tf.constant, sets)
        assert evaluate_images(*tensors, "digits") == evaluate_images(*sets, "digits")

    def test_samples_in_0_to_1_are_warned_of(self, digits):
        images = digits["test"].images
        with pytest.warns(UserWarning, match="^images: all values are in .0, 1."):
            evaluate_images(images[:50] / 2 + 0.5, images, classifier="digits")
        with pytest.warns(UserWarning, match="^real_images: all values are in .0, 1."):
            evaluate_labels(*digits["test"], images / 2 + 0.5, digits["test"].labels)

    def test_the_argument_is_named(self, digits):
        images = digits["test"].images
        with pytest.raises(ValueError, match="real_images: expected at least 20"):
            evaluate_images(images, images[:19])
        with pytest.raises(ValueError, match="^images: expected at least 10"):
            evaluate_images(images[:9], images)
        with pytest.raises(ValueError, match="training_images: expected float32"):
            evaluate_images(images, images, images.astype(np.float64))
        with pytest.raises(ValueError, match="^images: expected shape"):
            evaluate_images(images.repeat(3, axis=3), images)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
def test_a_seed_that_is_none_is_refused(seed):
    images = np.zeros((40, 28, 28, 1), np.float32)
    for evaluate in (evaluate_images, evaluate_pictures):
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            evaluate(images, images, seed=seed)
