"""What both ways of training have in common: two players in one keras.Model.

``dcgan.DCGAN`` and ``composite_loop.CompositeLoop`` differ in their ``train_step``
alone. Here stands the rest: the optimizers, the noise, what is refused, how Keras
saves, copies and evaluates them, and which weights draw the samples.
"""

import contextlib
import inspect
import re
import types
import warnings
import weakref

import numpy as np

from dcgan_keras import losses
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import (
    _operations,
    _passes_on,
    batch_norm_layers,
    build_gan,
    check_apart,
    check_logits,
    check_players,
    unfreeze,
)
from dcgan_keras.data.datasets import NOT_NEGATIVE, check_images
from dcgan_keras.labels import (
    asked_logits,
    check_class_shares,
    check_labels,
    with_labels,
)
from dcgan_keras.noise import D_NOISE, G_NOISE, SEEDS, TEST_NOISE, latent_noise
from dcgan_keras.sizes import (
    check_below_one,
    check_flag,
    check_positive,
    check_seed,
    is_int,
)
from dcgan_keras.training.sampling import SamplingGenerator

OUT_OF_RANGE = "images: expected values in [-1, 1], got"
NEGATIVE = (
    "images: some values are below 0; a sigmoid generator makes [0, 1], so D would "
    "tell reals by their range; scale by (x + 1) / 2, or give G a tanh"
)
NO_LABELS = "labels: expected whole numbers, one an image, 0 to"
SAID = re.compile(r"\b(?:got|to|for)\b|-?(?:nan|inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
SHAPED = "shape_of_the_images"  # a name of TensorFlow's check, in what it reports
OTHER_SHAPE = re.compile(
    r"\[([\d,]*)\] is not compatible with expected shape \[([?\d,]*)\]\.\s.*" + SHAPED
)
NO_WEIGHTS = "sample_weight: expected None, got weights; every image counts alike"
BATCHES = (
    "expected an array of images (N, H, W, C), or a tf.data.Dataset or PyDataset of "
    "batches"
)
BATCHED = keras.utils.PyDataset, tf.distribute.DistributedDataset
ORDERED = tf.data.Dataset, tf.distribute.DistributedDataset, types.GeneratorType
ONE_IMAGE = (
    "a batch has 1 image, and G normalises each batch by itself: of one image hardly "
    "anything is left. Take 16 or more."
)
UNUSED_AVERAGES = (
    "the averages of G's weights that are in the file are not used: load with "
    "compile=True, or compile with use_ema=True first, as in the training"
)
AVERAGES = "averages"  # their mark among the model's own numbers in a file
REPORTED = ("discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy")
PHILOX = 1  # TensorFlow's number of ``noise.ALGORITHM``
ENDLESS = tf.data.INFINITE_CARDINALITY
KERAS_BATCH = 32  # images, where nobody says how many
TOLERANCE = 1e-3  # of the range, for images that were resized or stored in half


def default_optimizer() -> keras.optimizers.Optimizer:
    """Adam(2e-4, beta_1=0.5), one for each player (Radford et al. 2015, section 4)."""
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


class TwoPlayers(keras.Model):
    """G, D, an optimizer for each, and the noise of every step.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1), logits.
        seed: of the noise.
        name: of the model.
        classes: of conditional players, see ``labels``; None: they know no labels.

    Attributes:
        steps_made: how many steps have been made, a variable; the noise follows from
            it and the seed.
        class_shares: float (classes,), how often each class comes among the real
            images, where that is very unequal; None: equally often. Samples are drawn
            with the statistics that BN has for such a mixture.
    """

    real_label = 1.0  # another one is for ``DCGAN.compile`` to set
    shares_batches = True  # over several devices

    def __init__(
        self, generator, discriminator, seed: int = 0, name=None, classes=None
    ):
        check_seed(seed, *SEEDS)
        if classes is not None:
            check_positive(classes=classes)
            classes = int(classes)
        check_game(generator, discriminator, classes)
        super().__init__(name=name)
        self.classes, self._class_shares = classes, None
        self.generator, self.discriminator = generator, discriminator
        self._looked_at = _parts(generator, discriminator)
        self.seed = int(seed)  # a NumPy integer of 8 bits can't be doubled
        self.steps_made = keras.Variable(
            0,
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="steps_made",
        )
        self._sampling_generator = SamplingGenerator(self)
        self._is_array = False  # what fit was given
        self._uses_xla, self._update_in_xla = False, None
        # Past Keras, which would count them as the model's own state.
        means = [keras.metrics.Mean(name) for name in REPORTED]
        object.__setattr__(self, "_means", means)
        self.built = True

    @property
    def _keeps_averages(self) -> bool:
        """Whether G's optimizer keeps an average of each weight."""
        optimizer = getattr(self, "generator_optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scales losses
        return bool(getattr(optimizer, "use_ema", False))

    @property
    def class_shares(self):
        return self._class_shares

    @class_shares.setter
    def class_shares(self, shares):
        if shares is not None:
            shares = check_class_shares(shares, self.classes)
        self._class_shares = shares

    # compiling

    def _compile_players(
        self, generator_optimizer, discriminator_optimizer, options: dict
    ):
        """Set an optimizer for each player, and refuse what could not be obeyed."""
        options = _checked_options(options)
        self._check_scope()
        pair = [
            default_optimizer() if x is None else keras.optimizers.get(x)
            for x in (generator_optimizer, discriminator_optimizer)
        ]
        if len({id(getattr(x, "inner_optimizer", x)) for x in pair}) == 1:
            raise ValueError(
                "discriminator_optimizer: expected an optimizer of its own, got the "
                "generator's; an optimizer keeps a state for each of its variables"
            )
        if any(map(_computes_in_float16, (self.generator, self.discriminator))):
            pair = [_scaled(optimizer) for optimizer in pair]
        devices = self.distribute_strategy.num_replicas_in_sync
        if options["jit_compile"] and devices > 1:
            raise ValueError(
                f"jit_compile: expected False on {devices} devices, which XLA's step "
                f"can't share, got {options['jit_compile']!r}"
            )
        unfreeze(self.discriminator)
        _check_optimizers(
            generator_optimizer=(pair[0], self.generator),
            discriminator_optimizer=(pair[1], self.discriminator),
        )
        # Of XLA only the update is: it has no way to refuse a batch.
        self._uses_xla = options["jit_compile"]
        self._update_in_xla = self._trained = None
        own = options | {"jit_compile": False}
        super().compile(optimizer=None, loss=None, metrics=None, **own)
        self._compile_options = options
        self.generator_optimizer, self.discriminator_optimizer = pair
        players = self.generator, self.discriminator
        for optimizer, player in zip(pair, players, strict=True):
            if not optimizer.built:  # Keras's LossScaleOptimizer would begin anew
                optimizer.build(player.trainable_variables)

    @keras.Model.jit_compile.setter
    def jit_compile(self, value):
        if value:  # Keras would give all of the step to XLA
            raise ValueError(
                "jit_compile: expected it as an argument of compile, got it later"
            )
        self._jit_compile = value

    def get_compile_config(self):
        """How it was compiled, for ``keras.Model.save``."""
        if not self.compiled:
            return {}
        optimizers = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in ("generator_optimizer", "discriminator_optimizer")
        }
        return optimizers | self._compile_options

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    # saving and copying

    def get_config(self):
        """Both players, seed, name, classes and their shares."""
        players = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in ("generator", "discriminator")
        }
        own = {"seed": self.seed, "name": self.name, "classes": self.classes}
        if self.class_shares is not None:
            own["class_shares"] = [float(share) for share in self.class_shares]
        return players | own

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("generator", "discriminator"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        shares = config.pop("class_shares", None)
        model = cls(**config)
        model.class_shares = shares
        return model

    def save_own_variables(self, store):
        """As Keras; notes whether the optimizer's part of the file has averages."""
        super().save_own_variables(store)
        if self._sampling_generator.has_averages():
            store[AVERAGES] = np.ones(1, np.uint8)

    def load_own_variables(self, store):
        """As Keras; says if the file has averages, and this model has no use for
        them."""
        values = {name: store[name] for name in store.keys()}
        has_averages = values.pop(AVERAGES, None) is not None
        if has_averages and not self._keeps_averages:
            warnings.warn(UNUSED_AVERAGES, stacklevel=2)
        super().load_own_variables(values)

    # data and noise

    def _real_batch(self, data):
        """The images of a batch, and their labels, or None where no player asks."""
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError(NO_WEIGHTS)
        if images is None or isinstance(images, dict | list | tuple):
            raise ValueError(f"x: {BATCHES}, got {_named(images)}")
        images = tf.convert_to_tensor(images)
        _check_batch(images, self.discriminator.input_shape)
        images = tf.cast(images, tf.float32)
        # A data set may leave sizes open; in a graph those of D are seen then.
        images = tf.ensure_shape(images, self.discriminator.input_shape, name=SHAPED)
        low, high = tf.reduce_min(images), tf.reduce_max(images)
        in_range = (low >= -1 - TOLERANCE) & (high <= 1 + TOLERANCE)  # not with NaN
        # Before anything is learned from them.
        checks = [tf.debugging.Assert(in_range, [OUT_OF_RANGE, low, "to", high])]
        if self._draws_from_zero:
            is_other, said = low < -TOLERANCE, NEGATIVE
        else:
            is_other, said = (low >= 0) & (high > low), NOT_NEGATIVE
        is_first = tf.equal(self.steps_made.value, 0)
        checks.append(self._warned(is_first & is_other, said))
        if self.classes is None:
            labels = None
        else:
            labels, check = _checked_batch(labels, images, self.classes)
            checks.append(check)
        with tf.control_dependencies([x for x in checks if x is not None]):
            images = tf.identity(images)
            return images, labels if labels is None else tf.identity(labels)

    def _several(self, images):
        """The same images; of one alone G's BN makes hardly anything, which is said."""
        count = images.shape[0]
        if count == 1 and batch_norm_layers(self.generator):
            warnings.warn(ONE_IMAGE, stacklevel=2)
        if count is not None or not batch_norm_layers(self.generator):
            return images
        said = self._warned(tf.equal(tf.shape(images)[0], 1), ONE_IMAGE)
        with tf.control_dependencies([said]):
            return tf.identity(images)

    def _warned(self, is_other, said: str):
        """An operation that warns of images of another range than G's, or of one alone;
        of an array in [0, 1] ``fit`` does so."""

        owner = weakref.ref(self)  # TensorFlow keeps a py_function for good

        def warn():
            model = owner()
            if model is not None and not (model._is_array and said == NOT_NEGATIVE):
                warnings.warn(said, stacklevel=2)

        def warned():
            with tf.control_dependencies([tf.py_function(warn, [], [])]):
                return tf.constant(True)

        return tf.cond(is_other, warned, lambda: tf.constant(True))

    @property
    def latent_dim(self) -> int:
        """The length of z; a conditional G takes a one-hot label after it."""
        return self.generator.input_shape[1] - (self.classes or 0)

    def _draws(self, images, step) -> dict:
        """The random numbers of a step: z for D's update and z for G's.

        They are drawn before the update, for XLA makes others of the same seed
        (tensorflow#117644).
        """
        return {draw: self._noise(images, step, draw) for draw in (D_NOISE, G_NOISE)}

    def _generator_input(self, z, labels):
        """z, and after it the labels, if the players ask for any."""
        return z if labels is None else with_labels(z, labels, self.classes)

    def _fakes(self, z, training: bool):
        """G's images in float32, whatever it computes in."""
        return tf.cast(self.generator(z, training=training), tf.float32)

    def _answers(self, images, labels, training: bool):
        """D's logits (N, 1) in float32, the asked ones of a conditional D."""
        logits = self.discriminator(images, training=training)
        logits = tf.cast(logits, tf.float32)
        return logits if labels is None else asked_logits(logits, labels)

    def _noise(self, images, step, draw):
        """This replica's part of the noise for the batches of all replicas."""
        z = self._part(images, latent_noise, self.latent_dim, step, draw)
        with tf.control_dependencies([images]):  # refused images move no average of G's
            return tf.identity(z)

    def _test_noise(self, images):
        """z of these images, which come after those that the means have seen."""
        m = tf.shape(images, tf.int64)[0]
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        seen = replicas() * tf.cast(self._means[0].count, tf.int64)
        first = seen + m * tf.cast(own, tf.int64)
        step = self.steps_made.value
        return _rows_of_noise(first, m, self.latent_dim, self.seed, step)

    def _part(self, images, noise, length: int, step, draw):
        """(m, length) numbers for the m images that this replica has of the batch."""
        m = images.shape[0] or tf.shape(images)[0]
        first = m * tf.distribute.get_replica_context().replica_id_in_sync_group
        shape = (m * replicas(), length)
        return noise(shape, self.seed, step, draw)[first : first + m]

    @property
    def _draws_from_zero(self) -> bool:
        """Whether G's images lie in [0, 1], as real ones then should."""
        steps = [one for one in _operations(self.generator) if not _passes_on(one)]
        last = steps[-1] if steps else None
        return getattr(last, "activation", None) is keras.activations.sigmoid

    @tf.autograph.experimental.do_not_convert  # has no loops: traced in half the time
    def train_step(self, data):
        """One update of each player; returns the losses of this step."""
        images, labels = self._real_batch(data)
        images = self._several(images)
        # A copy: the variable itself counts on at the end of the step.
        step = tf.identity(self.steps_made.value)
        draws = self._draws(images, step)
        if self._uses_xla and not self.run_eagerly:
            if self._update_in_xla is None:
                self._update_in_xla = tf.function(
                    self._update, jit_compile=True, autograph=False
                )
            logs = self._update_in_xla(images, labels, step, draws)
        else:
            logs = self._update(images, labels, step, draws)
        with tf.control_dependencies([images]):  # not if they were refused
            self.steps_made.assign_add(1)
        return logs

    def _update(self, images, labels, step, draws) -> dict:
        """One update of each player, from checked images and labels, and ``_draws``."""
        raise NotImplementedError

    def _logs(self, d_loss, g_loss, real_logits, fake_logits) -> dict:
        """What a step reports: losses in nats per image, shares of right answers."""
        logs = {
            "discriminator_loss": d_loss,
            "generator_loss": g_loss,
            "real_accuracy": tf.reduce_mean(tf.cast(real_logits > 0, tf.float32)),
            "fake_accuracy": tf.reduce_mean(tf.cast(fake_logits <= 0, tf.float32)),
        }
        if spans_workers():
            # Keras takes the mean of all workers along an axis, so there has to be one.
            return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    # what Keras's users call

    def fit(self, x=None, *args, **options):
        """As ``keras.Model.fit``, with batches of real images, or an array of them.

        Args:
            x: float (N, H, W, C) in [-1, 1]: an array, a ``tf.data.Dataset`` or a
                ``keras.utils.PyDataset`` of batches. Of (image, label) pairs the
                labels, whole numbers, are for conditional players, and others drop
                them; those of an array come as ``y``.
            args, options: for ``keras.Model.fit``; a data set without an end, as that
                of ``training_batches``, needs ``steps_per_epoch``, or a callback that
                stops.

        Raises:
            ValueError: something else than images; images of another shape, type or
                range, with NaN; no labels for conditional players; a batch_size or
                steps_per_epoch of 0; weights of samples or classes; or a callback that
                needs the one optimizer which this model does not have.
        """
        self._check_scope()
        given = _by_name(x, args, options)
        self._is_array = isinstance(x, np.ndarray | tf.Tensor)
        _check_callbacks(given.get("callbacks"))
        _check_weights(given)
        _check_numbers(given)
        _check_whole_batches(given)
        given |= self._checked_data("x", x, given.get("y"))
        if not given.get("callbacks"):  # one of them may end it
            _check_end(x, "steps_per_epoch", given)
        held_out = given.get("validation_data")
        if held_out is not None:
            pair = held_out if isinstance(held_out, tuple) else (held_out,)
            if len(pair) == 3 and pair[2] is not None:
                raise ValueError(NO_WEIGHTS)
            x, y = self._checked_data("validation_data", *pair[:2]).values()
            _check_end(x, "validation_steps", given)
            given["validation_data"] = x if len(pair) == 1 else (x, y, *pair[2:])
        x, batch_size = given["x"], given.get("batch_size") or KERAS_BATCH
        if isinstance(x, ORDERED):
            given.setdefault("shuffle", False)  # Keras's default would warn
        devices = self.distribute_strategy.num_replicas_in_sync
        if devices > 1:
            if not self.shares_batches:
                raise ValueError(
                    f"strategy: expected one device, got {devices}; the losses that "
                    f"Keras compiles into {type(self).__name__} are for one, and "
                    "DCGAN makes the same update on several"
                )
            _check_even("x", x, batch_size, devices, given.get("validation_split"))
            with self.distribute_strategy.scope():
                _check_order(x, given.get("shuffle"))
        self._sampling_generator.follow()
        try:
            with self._one_sentence():
                return super().fit(**given)
        finally:
            self._sampling_generator.remember()

    def _checked_data(self, name: str, x, y=None) -> dict:
        """Images and labels as Keras takes them; others are refused."""
        if isinstance(x, tf.data.Dataset):
            _check_elements(x.element_spec, self.discriminator.input_shape)
        elif isinstance(x, np.ndarray | tf.Tensor):
            with warnings.catch_warnings():
                if self._draws_from_zero:
                    warnings.filterwarnings("ignore", re.escape(NOT_NEGATIVE))
                x = _checked_array(x)
            if self.classes is not None and y is not None:
                y = check_labels(y, self.classes, len(x))
            elif self.classes is None:
                y = None  # dropped, whatever they are
        elif isinstance(x, types.GeneratorType):
            x = _checked_generator(name, x)
        elif not isinstance(
            x, keras.utils.PyDataset | tf.distribute.DistributedDataset
        ):
            raise ValueError(f"{name}: {BATCHES}, got {_named(x)}")
        return {"x": x, "y": y}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing, for all is built; Keras would take the mean of a batch over the
        workers first, which TensorFlow refuses for pairs of images and labels."""

    def make_train_function(self, force=False):
        """As Keras; refuses other weights than those that the step was made for, which
        it would go on to train: a player was put in since, or a layer was frozen."""
        generator, discriminator = self.generator, self.discriminator
        trained = generator.trainable_variables + discriminator.trainable_variables
        trained = tuple(map(id, trained))
        if self._trained is None:
            _check_optimizers(
                generator_optimizer=(self.generator_optimizer, generator),
                discriminator_optimizer=(self.discriminator_optimizer, discriminator),
            )
            self._trained = trained
        elif trained != self._trained:
            raise ValueError(
                "players: expected the weights to train that the step was made for, "
                "got others; call compile again"
            )
        return super().make_train_function(force)

    def train_on_batch(self, x, *args, **options):
        """As ``keras.Model.train_on_batch``: one step from one batch of images.

        Raises:
            ValueError: what ``fit`` refuses, or several devices.
        """
        self._check_scope()
        self._check_one_device("train_on_batch", "give fit the batch")
        _check_weights(_by_name(x, args, options, keras.Model.train_on_batch))
        self._sampling_generator.follow()
        with self._one_sentence():
            found = super().train_on_batch(x, *args, **options)
        self._sampling_generator.remember()
        return found

    def test_on_batch(self, x, *args, **options):
        """As ``keras.Model.test_on_batch``: of one batch what ``evaluate`` gives."""
        self._check_one_device("test_on_batch", "give evaluate the batch")
        self.reset_metrics()
        with self._one_sentence():
            return super().test_on_batch(x, *args, **options)

    def evaluate(self, x=None, *args, **options):
        """As ``keras.Model.evaluate``: what a step reports, and nothing is learned.

        Args:
            x: as for ``fit``.
            args, options: for ``keras.Model.evaluate``.

        Returns:
            The means over all images of both losses in nats and of D's two accuracies,
            in the order of their names; with ``return_dict=True`` by name. The fakes
            are as many as the images, each of a z of its own: the same ones in every
            evaluation after that step, in batches of any size.

        Raises:
            ValueError: what ``fit`` refuses.
        """
        given = _by_name(x, args, options, keras.Model.evaluate)
        _check_weights(given)
        _check_numbers(given)
        if "_use_cached_eval_dataset" not in options:  # else fit has checked them
            _check_whole_batches(given)
            given |= self._checked_data("x", x, given.get("y"))
            _check_end(x, "steps", given)
        devices = self.distribute_strategy.num_replicas_in_sync
        if devices > 1 and isinstance(given["x"], np.ndarray):
            size = given.get("batch_size") or KERAS_BATCH
            rest = len(given["x"]) % size
            _check_even("x", given["x"][rest:], size, devices)
            _check_even("x", given["x"][:rest], rest or devices, devices)
        elif devices > 1 and isinstance(given["x"], tf.data.Dataset):
            _check_even("x", given["x"], KERAS_BATCH, devices)
        with self._one_sentence():
            return super().evaluate(**given)

    @property
    def metrics_names(self) -> list[str]:
        """The names of what ``evaluate`` and ``train_on_batch`` return, in order."""
        return sorted(REPORTED)  # as Keras orders what is none of its metrics

    def reset_metrics(self):
        """Begin the means of ``evaluate`` anew."""
        super().reset_metrics()
        for mean in getattr(self, "_means", ()):  # Keras may call it before they are
            mean.reset_state()

    @contextlib.contextmanager
    def _one_sentence(self):
        """As ``one_sentence``; a function that failed while it was traced is dropped,
        for TensorFlow lets a second call of it make no variables."""
        try:
            with one_sentence():
                yield
        except Exception:
            self.train_function = self.test_function = None
            raise

    def _check_players(self) -> None:
        """Refuse players put in since, or with other layers, that could not train."""
        now = _parts(self.generator, self.discriminator)
        if now != self._looked_at:
            check_game(self.generator, self.discriminator, self.classes)
            self._looked_at = now

    def _check_scope(self) -> None:
        """Refuse to train in a strategy's scope what was built in another, or none."""
        own = self.distribute_strategy
        is_own = own.extended.variable_created_in_scope
        variables = self.generator.variables + self.discriminator.variables
        is_other = tf.distribute.has_strategy() and tf.distribute.get_strategy() != own
        if is_other or not all(is_own(variable.value) for variable in variables):
            raise ValueError(
                f"strategy: expected players and a {type(self).__name__} built in the "
                "scope that they are trained in, got one of another scope or of none"
            )

    def _check_one_device(self, name: str, instead: str) -> None:
        devices = self.distribute_strategy.num_replicas_in_sync
        if devices > 1:
            raise ValueError(
                f"{name}: expected one device, got {devices}, and each would take the "
                f"whole batch; {instead}"
            )

    def set_weights(self, weights):
        """As ``keras.Model.set_weights``; averages of G's begin anew from these."""
        super().set_weights(weights)
        self._sampling_generator.start_anew()

    def get_state_tree(self, *args, **options):
        """Refused: Keras's tree has a place for one optimizer."""
        raise ValueError(
            "get_state_tree: expected a model with one optimizer, got two players with "
            "one each; save_weights keeps both"
        )

    def save(self, filepath, *args, **options):
        """As ``keras.Model.save``, to a .keras file.

        Raises:
            ValueError: another kind of file.
        """
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                "filepath: expected a name that ends in .keras (save_weights writes "
                f".weights.h5), got {str(filepath)!r}"
            )
        return super().save(filepath, *args, **options)

    def export(self, filepath, *args, **options):
        """As ``keras.Model.export``: of ``sampling_generator()``."""
        return self.sampling_generator().export(filepath, *args, **options)

    def test_step(self, data):
        """The numbers of ``train_step``, in inference mode, with a z for each image.

        Of all batches so far: the mean over their images.
        """
        images, labels = self._real_batch(data)
        z = self._generator_input(self._test_noise(images), labels)
        real_logits = self._answers(images, labels, training=False)
        fake_images = self._fakes(z, training=False)
        fake_logits = self._answers(fake_images, labels, training=False)
        d_loss = self._game_of_d(real_logits, fake_logits)
        g_loss = self.generator_loss(fake_logits)
        logs = self._logs(d_loss, g_loss, real_logits, fake_logits)
        count = tf.cast(tf.shape(images)[0], tf.float32)
        for mean in self._means:
            mean.update_state(logs[mean.name], sample_weight=count)
            logs[mean.name] = tf.reshape(mean.result(), logs[mean.name].shape)
        return logs

    def _game_of_d(self, real_logits, fake_logits):
        """D's loss in the game, with the label that ``compile`` was given."""
        return losses.discriminator_loss(real_logits, fake_logits, self.real_label)

    def call(self, z, training=False):
        """z (N, latent_dim) -> images (N, H, W, C), by the newest weights.

        Of a conditional G: z with labels, see ``labels.with_labels``.
        """
        return self.generator(z, training=training)

    def sampling_generator(self) -> keras.Model:
        """G as it is best used: with the average of its weights, where one is kept.

        That is a copy of its own for each call, which no later step changes; without an
        average it is G itself.
        """
        return self._sampling_generator()

    def predict(self, x, *args, **options):
        """Images of z (N, latent_dim), by ``sampling_generator()``.

        Raises:
            ValueError: an array of another shape, with NaN or infinity, or a number
                below 1 of images a batch or steps.
        """
        _check_z(x, self.generator.input_shape)
        _check_numbers(_by_name(x, args, options, keras.Model.predict))
        return self._sampling_generator(shared=True).predict(x, *args, **options)

    def predict_on_batch(self, x):
        """Images of one batch of z, by ``sampling_generator()``."""
        _check_z(x, self.generator.input_shape)
        return self._sampling_generator(shared=True).predict_on_batch(x)


def _rows_of_noise(first, count, length: int, seed: int, step):
    """The rows ``first`` to ``first + count`` of one ``latent_noise`` for all images.

    So an image meets the same z in a batch of any size. Philox gives four numbers for
    each value of its counter, and passes over others at once.
    """
    state = tf.stack([tf.constant(2 * seed + TEST_NOISE, tf.int64), step])
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=state)
    fours, past = first * length // 4, first * length % 4
    counter += tf.cast(tf.stack([fours, 0]), tf.uint64)
    drawn = tf.raw_ops.StatelessRandomNormalV2(
        shape=[count * length + 4], key=key, counter=counter, alg=PHILOX
    )
    return tf.reshape(drawn[past : past + count * length], (count, length))


def check_game(generator, discriminator, classes: int | None) -> None:
    """Refuse players that do not fit together, or could not train as meant."""
    check_players(generator=generator, discriminator=discriminator)
    # It refuses players that do not fit.
    build_gan(generator, discriminator, classes=classes)
    check_logits(discriminator)
    check_apart(generator, discriminator)


def _parts(*players) -> tuple[int, ...]:
    """Which models they are, and of which layers."""
    parts = [(player, *getattr(player, "layers", ())) for player in players]
    return tuple(id(part) for some in parts for part in some)


def replicas() -> int:
    """Over how many devices a batch is spread; their gradients are summed."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def spans_workers() -> bool:
    """Whether the devices are those of several processes, which report to each."""
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)


def _computes_in_float16(player: keras.Model) -> bool:
    return any(
        layer.dtype_policy.name == "mixed_float16" for layer in player._flatten_layers()
    )


def _scaled(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """As Keras's own ``compile`` wraps it: small gradients would be 0 in float16.

    One that scales losses already, by a number of somebody's own, stays as it is.
    """
    scales = keras.optimizers.LossScaleOptimizer
    if isinstance(optimizer, scales) or optimizer.loss_scale_factor is not None:
        return optimizer
    return scales(optimizer)


def _check_optimizers(**pairs) -> None:
    """Refuse an optimizer that was built for other weights than its player's."""
    for name, (optimizer, player) in pairs.items():
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scales losses
        known = set(map(id, optimizer._trainable_variables)) if optimizer.built else ()
        if known and not known.issuperset(map(id, player.trainable_variables)):
            raise ValueError(
                f"{name}: expected a new optimizer, got one that has no state for some "
                f"weights of the {player.name}"
            )


def asked_losses(model: keras.Model) -> list:
    """What ``add_loss`` of a model's layers asked for when it was last called."""
    return model.losses[: len(model.losses) - len(weight_losses(model))]


def weight_losses(model: keras.Model) -> list:
    """What the regularizers of a model's weights ask for."""
    variables = model.trainable_variables
    return [v.regularizer(v) for v in variables if v.regularizer is not None]


@contextlib.contextmanager
def one_sentence():
    """Turn TensorFlow's report of what it saw in a batch into a ValueError: images of
    another shape, images or labels out of range."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if shapes := OTHER_SHAPE.search(error.message):
            got, expected = (x.replace(",", ", ") for x in shapes.groups())
            raise ValueError(
                f"images: expected batches of shape ({expected.replace('?', 'None')}), "
                f"got ({got})"
            ) from None
        for said, words in ((OUT_OF_RANGE, 3), (NO_LABELS, 5)):
            if said in error.message:  # each value of it on a line, if run eagerly
                found = SAID.findall(error.message.split(said)[1])[:words]
                break
        else:
            raise
        if said == NO_LABELS:
            raise ValueError(
                f"{NO_LABELS} {found[0]}; got {' '.join(found[2:])}"
            ) from None
        low, _, high = found
        raise ValueError(
            f"{OUT_OF_RANGE} {low} to {high}; scale pixels by x / 127.5 - 1"
        ) from None


def _check_even(name, x, batch_size: int, devices: int, held_out=None) -> None:
    """Refuse batches that would leave a device with fewer images than another."""
    if isinstance(x, np.ndarray):
        count = int(len(x) * (1 - (held_out or 0)))  # as Keras splits
        got = f"{count} images in batches of {batch_size}"
        is_even = count % batch_size == 0 and batch_size % devices == 0
    elif isinstance(x, tf.data.Dataset):
        size = _size(x, batch_size)
        got = f"batches of {size}"
        if size is None:
            got = "batches whose size is not fixed: batch with drop_remainder=True"
        is_even = size is not None and size % devices == 0
    elif isinstance(x, tf.distribute.DistributedDataset):
        return
    else:
        got, is_even = f"a {type(x).__name__}, whose batches nobody knows", False
    if not is_even:
        raise ValueError(
            f"{name}: expected batches of one size that {devices} devices can share "
            f"evenly, got {got}"
        )


def _size(x, batch_size: int) -> int | None:
    """Images a batch; None if that is not fixed, or not known."""
    if isinstance(x, np.ndarray):
        return batch_size
    if isinstance(x, tf.data.Dataset):
        return tf.nest.flatten(x.element_spec)[0].shape[0]
    return None


def _check_order(x, shuffle) -> None:
    """Refuse an order of the images that each worker would draw for itself."""
    shuffle = True if shuffle is None else shuffle  # Keras's default
    if isinstance(x, np.ndarray) and shuffle and spans_workers():
        raise ValueError(
            f"shuffle: expected False for an array and several workers, got {shuffle}; "
            "each would shuffle by itself, so give training_batches(images, "
            "batch_size, seed), whose order is the same in all"
        )


def _by_name(x, args: tuple, options: dict, method=keras.Model.fit) -> dict:
    """The arguments of a method of Keras, however they were given."""
    found = dict(inspect.signature(method).bind(None, x, *args, **options).arguments)
    del found["self"]
    return found | found.pop("kwargs", {})


def _check_numbers(given: dict) -> None:
    """Refuse numbers of images, steps or epochs that Keras would take for others."""
    least = dict.fromkeys(("batch_size", "epochs", "steps_per_epoch", "steps"), 1)
    least |= {"validation_steps": 1, "validation_batch_size": 1, "initial_epoch": 0}
    for name, low in least.items():
        value = given.get(name)
        if value is not None and not (is_int(value) and value >= low):
            raise ValueError(f"{name}: expected {low} or more, got {value!r}")
    split = given.get("validation_split", 0.0)
    check_below_one(validation_split=0.0 if split is None else split)
    epochs = given.get("validation_freq", 1)
    if is_int(epochs):
        check_positive(validation_freq=epochs)
    elif not (isinstance(epochs, list | tuple | set) and all(map(is_int, epochs))):
        raise ValueError(
            f"validation_freq: expected a number, or numbers of epochs, got {epochs!r}"
        )


def _check_end(x, steps: str, given: dict) -> None:
    """Refuse batches without an end, where nobody says how many of them to take."""
    is_endless = isinstance(x, tf.data.Dataset) and x.cardinality() == ENDLESS
    if is_endless and given.get(steps) is None:
        raise ValueError(
            f"{steps}: expected a number of batches, for the data set has no end; got "
            "None"
        )


def _check_weights(given: dict) -> None:
    if given.get("class_weight") is not None:
        raise ValueError("class_weight: expected None, got weights; no class is used")
    if given.get("sample_weight") is not None:
        raise ValueError(NO_WEIGHTS)


def _check_whole_batches(given: dict) -> None:
    """Refuse a number of images a batch for images that come in batches."""
    size = given.get("batch_size")
    if size is not None and isinstance(given.get("x"), BATCHED + ORDERED):
        raise ValueError(
            f"batch_size: expected None, for the images come in batches, got {size}"
        )


def _checked_generator(name: str, batches):
    """The same batches, if they are what Keras takes from a generator."""
    first = next(batches, None)
    if not isinstance(first, tuple):
        raise ValueError(
            f"{name}: expected a generator of tuples, (images,) or (images, labels), "
            f"got one of {'nothing' if first is None else type(first).__name__}"
        )

    def all_of_them():
        yield first
        yield from batches

    return all_of_them()


def _named(x) -> str:
    """What came in the place of images, for one sentence."""
    if isinstance(x, tuple) and len(x) == 2:
        return "a tuple of two; give labels as y"
    if isinstance(x, list):
        return "a list; np.stack makes one array of images"
    return repr(x) if x is None or isinstance(x, str) else f"a {type(x).__name__}"


def _check_elements(spec, input_shape) -> None:
    """Refuse a data set whose batches are not what D takes, before it is traced."""
    images = spec[0] if isinstance(spec, tuple) and spec else spec
    if isinstance(spec, tuple) and any(isinstance(x, tf.TensorSpec) for x in spec[2:]):
        raise ValueError(NO_WEIGHTS)
    if isinstance(images, tf.TensorSpec) and images.shape.rank is None:
        raise ValueError(
            f"x: expected batches of shape {input_shape}, got a data set that does not "
            "say its shape; give from_generator an output_signature"
        )
    if not isinstance(images, tf.TensorSpec):
        kind = type(images).__name__
        raise ValueError(f"x: {BATCHES}, got elements that are a {kind}; map them")
    _check_batch(images, input_shape)


def _check_z(z, input_shape) -> None:
    """Refuse what G does not take, in place of Keras's page of it."""
    shape = getattr(z, "shape", None)
    if z is None or (shape is not None and not all(tuple(shape)[:1])):
        got = "None" if z is None else f"{tuple(shape)}"
        raise ValueError(f"x: expected z of shape {input_shape}, N >= 1, got {got}")
    if shape is not None and tuple(shape[1:]) != tuple(input_shape[1:]):
        raise ValueError(f"x: expected z of shape {input_shape}, got {tuple(shape)}")
    is_array = isinstance(z, np.ndarray | tf.Tensor)
    numbers = np.asarray(z) if is_array else np.empty(0)
    # ReLU makes 0 of NaN, and G an image like any other.
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise ValueError("x: expected finite numbers, got NaN or infinity")


def _checked_array(images: np.ndarray | tf.Tensor) -> np.ndarray:
    if isinstance(images, tf.Tensor):
        is_float = images.dtype.is_floating  # NumPy has no bfloat16
        images = (tf.cast(images, tf.float32) if is_float else images).numpy()
    if images.dtype.kind == "f":
        images = images.astype(np.float32, copy=False)
    check_images(images)
    return images


def _check_batch(images, input_shape) -> None:
    """Refuse a batch that D was not built for; by shape and type, when traced."""
    if not images.dtype.is_floating:
        raise ValueError(
            f"images: expected float32 in [-1, 1], got {images.dtype.name}; scale "
            "pixels by x / 127.5 - 1"
        )
    if not images.shape.is_compatible_with(input_shape) or images.shape[0] == 0:
        raise ValueError(
            f"images: expected batches of shape {input_shape}, got {images.shape}"
        )


def _checked_batch(labels, images, classes: int):
    """Labels of a batch as int64, and the operation that refuses those out of range."""
    expected = f"{NO_LABELS} {classes - 1}"
    if labels is None:
        raise ValueError(f"{expected}; got images without labels")
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 2 and labels.shape[1] == 1:  # as Keras hands on a column
        labels = labels[:, 0]
    if not labels.shape.is_compatible_with(images.shape[:1]):
        raise ValueError(
            f"{expected}; got shape {labels.shape} for images {images.shape}"
        )
    if not labels.dtype.is_integer:
        raise ValueError(f"{expected}; got {labels.dtype.name}")
    labels = tf.cast(labels, tf.int64)
    counts = tf.shape(labels)[0], tf.shape(images)[0]
    said = [NO_LABELS, classes - 1, "got", counts[0], "for", counts[1]]
    with tf.control_dependencies([tf.debugging.Assert(counts[0] == counts[1], said)]):
        low, high = tf.reduce_min(labels), tf.reduce_max(labels)
    in_range = (low >= 0) & (high < classes)
    said = [NO_LABELS, classes - 1, "got", low, "to", high]
    return labels, tf.debugging.Assert(in_range, said)


def _checked_options(options: dict) -> dict:
    """Of Keras's ``compile`` what is obeyed here, as Python's own numbers."""
    players = "generator_optimizer and discriminator_optimizer"
    refused = {
        "optimizer": f"a DCGAN has two players: give {players}",
        "loss": "the losses are those of the game: see generator_loss",
        "metrics": "both losses and D's accuracies are reported as they are",
    }
    known = {
        "run_eagerly": (check_flag, bool),
        "steps_per_execution": (check_positive, int),
        "jit_compile": (check_flag, bool),
    }
    checked = {}
    for name, value in options.items():
        if name in refused:
            raise ValueError(
                f"{name}: expected nothing, got {value!r}; {refused[name]}"
            )
        if name not in known:
            raise ValueError(
                f"{name}: not an argument of compile; beside those of the game there "
                f"are {', '.join(known)}"
            )
        check, kind = known[name]
        check(**{name: value})
        checked[name] = kind(value)
    return checked


def _check_callbacks(callbacks) -> None:
    """Refuse Keras's callbacks that need the one optimizer or the loss of a model."""
    schedule = "give each optimizer a schedule of keras.optimizers.schedules"
    refused = {
        keras.callbacks.LearningRateScheduler: schedule,
        keras.callbacks.ReduceLROnPlateau: schedule,
        keras.callbacks.SwapEMAWeights: "the averages are in sampling_generator()",
        keras.callbacks.TerminateOnNaN: "training.callbacks.History stops at either",
    }
    callbacks = getattr(callbacks, "callbacks", callbacks)  # of a CallbackList
    for callback in keras.tree.flatten(callbacks):
        if not (callback is None or isinstance(callback, keras.callbacks.Callback)):
            raise ValueError(
                f"callbacks: expected keras.callbacks.Callback objects, got {callback}"
            )
        if getattr(callback, "write_steps_per_second", False):  # of a TensorBoard
            raise ValueError(
                "callbacks: expected write_steps_per_second=False, for TensorBoard "
                "counts the steps of a model's only optimizer, got True"
            )
        for kind, instead in refused.items():
            if isinstance(callback, kind):
                raise ValueError(
                    f"callbacks: {kind.__name__} works on a model's only optimizer or "
                    f"loss, and here are two of each; {instead}"
                )
