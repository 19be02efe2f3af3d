"""The composite model: D stacked on G, in which only G is trained."""

import warnings

import numpy as np

from dcgan_keras._tensorflow import keras, tf


@keras.saving.register_keras_serializable("dcgan_keras")
class FrozenDiscriminator(keras.layers.Layer):
    """D inside the composite: it answers, and none of its weights is the composite's.

    That is all the freezing there is. D's own ``trainable`` flag is never touched,
    which Keras 3 reads when a train function is first traced: the classic recipe
    (compile D, ``D.trainable = False``, compile the composite) leaves D itself
    untrained; see notebook 05.

    Args:
        discriminator: (N, H, W, C) -> (N, 1).
        batch_norm: "training" or "inference", see ``build_gan``.
    """

    def __init__(self, discriminator, batch_norm="training", name=None, **options):
        super().__init__(name=name or discriminator.name, **options)
        if batch_norm not in ("training", "inference"):
            raise ValueError(
                f"batch_norm: expected 'training' or 'inference', got {batch_norm!r}"
            )
        # Past Keras, which would count the weights of an attribute as this layer's.
        object.__setattr__(self, "discriminator", discriminator)
        self.batch_norm = batch_norm
        self.mixes_batch = mixes_batch(discriminator)
        self.built = True

    def call(self, images, training=None):
        """images: (N, H, W, C) -> D's answers, (N, 1) or (N, classes)."""
        in_training = bool(training) and self.batch_norm == "training"

        def answer(images):
            return self.discriminator(images, training=in_training)

        count = images.shape[0] or 0  # unknown where batches of any size may come
        if self.mixes_batch or not training or count < 2:
            return answer(images)
        # In G's step nothing else is left to do while D looks at the fakes. Where D
        # judges each by itself, each of two cores can take half of them.
        halves = tf.split(images, [count // 2, count - count // 2])
        return tf.concat([answer(half) for half in halves], axis=0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.discriminator.output_shape[-1])

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.discriminator)
        own = {"discriminator": inner, "batch_norm": self.batch_norm}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        inner = keras.saving.deserialize_keras_object(config.pop("discriminator"))
        return cls(inner, **config)


@keras.saving.register_keras_serializable("dcgan_keras")
class Composite(keras.Sequential):
    """z -> G -> D -> answer, whose weights are G's alone.

    A ``keras.Sequential`` that also undoes the classic recipe's freeze whenever it is
    built, compiled or about to train, so that D stays trainable outside. Only a D that
    is frozen after that, and trained before the composite is, stands still.
    """

    @property
    def generator(self) -> keras.Model:
        return self.layers[0]

    @property
    def discriminator(self) -> keras.Model:
        return self.layers[1].discriminator

    def compile(self, *args, **options):
        unfreeze(self.discriminator)  # the classic recipe freezes it just before
        super().compile(*args, **options)

    def make_train_function(self, force=False):
        unfreeze(self.discriminator)  # in case somebody froze it after all
        return super().make_train_function(force)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)


def check_players(**players) -> None:
    """Refuse models that don't tell the shapes of what they take and make."""
    for name, player in players.items():
        if not isinstance(player, keras.Model):
            kind = type(player).__name__
            raise ValueError(f"{name}: expected a keras.Model, got a {kind}")
        if player.built and not hasattr(player, "input_shape"):
            kind = type(player).__name__
            raise ValueError(
                f"{name}: expected a model whose shapes are known, got a subclass, "
                f"{kind}; give keras.Sequential([keras.Input(shape), {player.name}])"
            )
        if not player.built:
            continue
        for what in ("input", "output"):
            shape = getattr(player, f"{what}_shape")
            if not isinstance(shape, tuple) or any(map(np.iterable, shape)):
                raise ValueError(
                    f"{name}: expected one {what}, got {len(shape)} of shapes {shape}; "
                    "labels are told as build_gan(classes=...) says"
                )
        made = getattr(player, "_outputs_struct", None)
        if isinstance(made, dict | list | tuple):
            kind = type(made).__name__
            raise ValueError(f"{name}: expected an output by itself, got a {kind}")
        taken = [x.dtype for x in getattr(player, "inputs", None) or ()]
        if any("int" in dtype or dtype == "bool" for dtype in taken):
            raise ValueError(
                f"{name}: expected an input of floating numbers, got {taken[0]}"
            )


def check_apart(generator: keras.Model, discriminator: keras.Model) -> None:
    """Refuse players with a weight in common, which both optimizers would move."""
    own = set(map(id, generator.trainable_variables))
    shared = [v.path for v in discriminator.trainable_variables if id(v) in own]
    if shared:
        raise ValueError(
            "discriminator: expected weights of its own, got some of the generator's: "
            f"{shared[0]}"
        )


def build_gan(
    generator: keras.Model,
    discriminator: keras.Model,
    batch_norm: str = "training",
    classes: int | None = None,
) -> Composite:
    """The composite: compile and train it, and G learns from a D that stays put.

    D itself stays trainable, whatever was compiled, traced or frozen before, however
    often a composite is built on it, and after loading either from disk. A part of D
    that you freeze yourself, a layer or some, stays frozen.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1).
        batch_norm: what the BatchNormalization of D does inside the composite.
            "training": normalise by the batch of fakes, as the paper's code does, so
            G meets the D that was trained; D's moving averages, but none of its
            weights, move in G's step too. "inference": use the moving averages, as
            Keras's frozen layers do in the classic recipe; then G meets another
            function than the one that was trained. On digits, after 400 steps with
            seeds 0 to 4, the median Frechet distance was 13.2 by the first and 29.6 by
            the second, each seed worse (benchmarks/composite_batch_norm.py).
        classes: of conditional players, see ``labels``: G takes so many
            numbers after z, and D gives so many answers.

    Returns:
        A ``keras.Sequential`` subclass of two layers, (N, latent_dim) -> (N, 1); with
        classes (N, latent_dim + classes) -> (N, classes).

    Raises:
        ValueError: the two players do not fit together.

    Example:
        >>> gan = build_gan(build_generator(), build_discriminator())
        >>> gan.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        >>> gan.train_on_batch(noise, np.ones((64, 1)))     # G's step

    Source: OV, "compositing the two models"; notebooks 05 and 06.
    """
    players = {"generator": generator, "discriminator": discriminator}
    check_players(**players)
    for name, player in players.items():
        if not player.built:
            raise ValueError(
                f"{name}: expected a model that is built, got {player.name!r}, which "
                "knows no input shape yet; begin it with keras.Input(shape)"
            )
    if len(generator.input_shape) != 2:
        raise ValueError(
            f"generator: expected input (N, latent_dim), got {generator.input_shape}"
        )
    if generator.output_shape != discriminator.input_shape:
        raise ValueError(
            f"discriminator: expected images of {discriminator.input_shape}, but the "
            f"generator makes {generator.output_shape}"
        )
    if discriminator.output_shape[1:] != (classes or 1,):
        outputs = "one output an image" if classes is None else "one output a class"
        raise ValueError(
            f"discriminator: expected {outputs}, (None, {classes or 1}), got "
            f"{discriminator.output_shape}"
        )
    if generator.input_shape[1] <= (classes or 0):
        raise ValueError(
            f"generator: expected input (N, latent_dim + {classes}), z and a one-hot "
            f"label, got {generator.input_shape}"
        )
    unfreeze(discriminator)
    judge = FrozenDiscriminator(discriminator, batch_norm)
    return Composite([generator, judge], name="gan")


def unfreeze(discriminator: keras.Model) -> None:
    """Undo the classic recipe's freeze: make D trainable again, if all of it is frozen.

    Train functions traced while it was frozen are forgotten.

    Args:
        discriminator: any Keras model; one with anything left to train stays as it is.
    """
    if discriminator.trainable_variables:
        return
    # One by one: Keras passes over ``trainable = True`` where that is the value of D
    # already, and leaves the layers below as they are.
    for layer in discriminator._flatten_layers():
        layer.trainable = True
    discriminator.train_function = None


def check_logits(discriminator: keras.Model) -> None:
    """Refuse a D that ends in a sigmoid: the losses take logits."""
    *_, last = [one for one in _operations(discriminator) if not _passes_on(one)]
    is_linear = isinstance(last, keras.layers.Dense | keras.layers.Conv2D)
    is_linear = is_linear and last.activation is keras.activations.linear
    if not is_linear and _gives_probabilities(discriminator):
        raise ValueError(
            "discriminator: expected logits, got probabilities; the losses apply the "
            'sigmoid themselves (build_discriminator(output="logit"))'
        )


def _passes_on(operation) -> bool:
    """Whether numbers leave it as they came."""
    kind = type(operation).__name__
    if kind == "Activation":
        return operation.activation is keras.activations.linear
    return kind in ("InputLayer", "Flatten", "Reshape", "Identity", "Dropout")


def _gives_probabilities(discriminator: keras.Model) -> bool:
    """Whether D's answers to loud noise all lie in [0, 1], as no logits would."""
    shape = (16, *discriminator.input_shape[1:])
    noise = tf.random.stateless_normal(shape, seed=[0, 0])
    loud = 1e12 * noise  # of which no weights make a logit between 0 and 1
    noise = tf.concat([loud, -loud, noise], 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is tried here
        answers = discriminator(noise, training=False)
    in_range = tf.reduce_all((answers >= 0) & (answers <= 1))
    return bool(in_range & tf.reduce_any(answers > 0))


def mixes_batch(discriminator: keras.Model) -> bool:
    """Whether D's answer to one image hangs on another one of the batch.

    As it does with BatchNormalization. Where D holds anything but layers that are known
    to look at each image by itself, it is tried: is there a slope from one image to the
    answer to another? D's variables are put back as they were.
    """
    if batch_norm_layers(discriminator):
        return True
    if all(map(_looks_at_one_image, _operations(discriminator))):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is tried here
        before = [variable.numpy() for variable in discriminator.variables]
        images = tf.random.stateless_normal(
            (4, *discriminator.input_shape[1:]), seed=[0, 1]
        )
        with tf.GradientTape() as tape:
            tape.watch(images)
            first = discriminator(images, training=True)[0]
        slopes = tape.gradient(first, images)
        for variable, value in zip(discriminator.variables, before, strict=True):
            variable.assign(value)
        return slopes is not None and bool(tf.reduce_any(slopes[1:] != 0))


# Keras's layers that give each image of a batch what they would give it alone.
ONE_BY_ONE = (
    "InputLayer Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv2D Dense Flatten "
    "Reshape Permute Identity Dropout SpatialDropout2D GaussianNoise LeakyReLU ReLU "
    "PReLU ELU Activation LayerNormalization GroupNormalization Rescaling "
    "AveragePooling2D MaxPooling2D GlobalAveragePooling2D GlobalMaxPooling2D "
    "UpSampling2D ZeroPadding2D Cropping2D Add Concatenate Multiply "
    "Sequential Functional"
).split()


def _looks_at_one_image(operation) -> bool:
    """Whether that is known: of a layer of Keras or of this package."""
    package = type(operation).__module__.split(".")[0]
    if package == "dcgan_keras":
        return True
    activation = getattr(operation, "activation", None)
    is_keras = getattr(activation, "__module__", "keras").startswith("keras")
    is_keras = is_keras and getattr(activation, "__name__", "") != "softmax"
    axis = getattr(operation, "axis", None)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    known = package == "keras" and type(operation).__name__ in ONE_BY_ONE
    return known and is_keras and 0 not in axes


def _operations(model: keras.Model) -> list:
    """All that a model does, in its own order: layers, nested ones too, and bare
    operations, such as those of ``keras.ops``."""
    if type(model).__module__.split(".")[0] not in ("keras", "dcgan_keras"):
        return [model]  # of a class of somebody's own, whose call may do anything
    found = []
    for one in getattr(model, "operations", model.layers):
        found += _operations(one) if isinstance(one, keras.Model) else [one]
    return found


def batch_norm_layers(model: keras.Model) -> list[str]:
    """The names of a model's BatchNormalization layers, nested ones too."""
    norm = keras.layers.BatchNormalization
    return [x.name for x in model._flatten_layers() if isinstance(x, norm)]
