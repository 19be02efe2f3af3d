"""The composite model: D stacked on G, in which only G is trained."""

from dcgan_keras._tensorflow import keras, tf


@keras.saving.register_keras_serializable("dcgan_keras")
class Composite(keras.Sequential):
    """z -> G -> D -> answer, whose trainable variables are G's alone.

    D is frozen inside by what the composite calls its own, not by D's ``trainable``
    flag. Keras 3 reads that flag when a train function is first traced, so the
    classic recipe (compile D, ``D.trainable = False``, compile the composite) leaves
    D itself untrained; see notebook 05. Here no order of calls matters.
    """

    def __init__(self, layers=None, trainable=True, name="gan", batch_norm="training"):
        if batch_norm not in ("training", "inference"):
            raise ValueError(
                f"batch_norm: expected 'training' or 'inference', got {batch_norm!r}"
            )
        super().__init__(layers, trainable=trainable, name=name)
        self.batch_norm = batch_norm

    @property
    def generator(self) -> keras.Model:
        return self.layers[0]

    @property
    def discriminator(self) -> keras.Model:
        return self.layers[1]

    def call(self, inputs, training=None, mask=None):
        images = self.generator(inputs, training=training)
        in_training = bool(training) and self.batch_norm == "training"

        def answer(images):
            return self.discriminator(images, training=in_training)

        count = images.shape[0] or 0  # unknown where batches of any size may come
        if batch_norm_layers(self.discriminator) or not training or count < 2:
            return answer(images)
        # In G's step nothing else is left to do while D looks at the fakes. Where D
        # judges each by itself, each of two cores can take half of them.
        halves = tf.split(images, [count // 2, count - count // 2])
        return tf.concat([answer(half) for half in halves], axis=0)

    def compile(self, *args, **options):
        unfreeze(self.discriminator)  # the classic recipe freezes it just before
        super().compile(*args, **options)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def make_train_function(self, force=False):
        unfreeze(self.discriminator)  # in case somebody froze it after all
        return super().make_train_function(force)

    @property
    def trainable_variables(self):
        return self.generator.trainable_variables if self.trainable else []

    @property
    def trainable_weights(self):
        return self.generator.trainable_weights if self.trainable else []

    @property
    def non_trainable_variables(self):
        return _without(self.variables, self.trainable_variables)

    @property
    def non_trainable_weights(self):
        return _without(self.weights, self.trainable_weights)

    def get_config(self):
        return {**super().get_config(), "batch_norm": self.batch_norm}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        batch_norm = config.pop("batch_norm", "training")
        model = super().from_config(config, custom_objects)
        model.batch_norm = batch_norm
        return model


def build_gan(
    generator: keras.Model,
    discriminator: keras.Model,
    batch_norm: str = "training",
) -> Composite:
    """The composite: compile and train it, and G learns from a D that stays put.

    D itself stays trainable, whatever was compiled, traced or frozen before, however
    often a composite is built on it, and after loading either from disk.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1).
        batch_norm: what the BatchNormalization of D does inside the composite.
            "training": normalise by the batch of fakes, as the paper's code does, so
            G meets the D that was trained; D's moving averages, but none of its
            weights, move in G's step too. "inference": use the moving averages, as
            Keras's frozen layers do in the classic recipe; then G meets another
            function than the one that was trained. On digits, after 400 steps with
            seeds 0, 1, 2, the Frechet distance was 13.8, 14.4, 14.4 by the first and
            17.0, 24.6, 19.9 by the second (benchmarks/composite_batch_norm.py).

    Returns:
        A ``keras.Sequential`` subclass of two layers, (N, latent_dim) -> (N, 1).

    Raises:
        ValueError: the two players do not fit together.

    Example:
        >>> gan = build_gan(build_generator(), build_discriminator())
        >>> gan.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        >>> gan.train_on_batch(noise, np.ones((64, 1)))     # G's step

    Source: OV, "compositing the two models"; notebooks 05 and 06.
    """
    if len(generator.input_shape) != 2:
        raise ValueError(
            f"generator: expected input (N, latent_dim), got {generator.input_shape}"
        )
    if generator.output_shape != discriminator.input_shape:
        raise ValueError(
            f"discriminator: expected images of {discriminator.input_shape}, but the "
            f"generator makes {generator.output_shape}"
        )
    if discriminator.output_shape[1:] != (1,):
        raise ValueError(
            "discriminator: expected one output an image, (None, 1), got "
            f"{discriminator.output_shape}"
        )
    unfreeze(discriminator)
    return Composite([generator, discriminator], batch_norm=batch_norm)


def unfreeze(discriminator: keras.Model) -> None:
    """Make D trainable, and let it forget train functions traced while it was frozen.

    Args:
        discriminator: any Keras model; one that is trainable is left as it is.
    """
    frozen = [x for x in discriminator._flatten_layers() if not x.trainable]
    if not frozen:
        return
    # One by one: Keras passes over ``trainable = True`` where that is the value of D
    # already, and leaves the layers below as they are.
    for layer in frozen:
        layer.trainable = True
    discriminator.train_function = None


def _without(variables: list, left_out: list) -> list:
    names = {id(variable) for variable in left_out}
    return [variable for variable in variables if id(variable) not in names]


def check_logits(discriminator: keras.Model) -> None:
    """Refuse a D that ends in a sigmoid: the losses take logits."""
    activation = getattr(discriminator.layers[-1], "activation", None)
    if activation is keras.activations.sigmoid:
        raise ValueError(
            "discriminator: expected logits, got probabilities; the losses apply the "
            'sigmoid themselves (build_discriminator(output="logit"))'
        )


def batch_norm_layers(model: keras.Model) -> list[str]:
    """The names of a model's BatchNormalization layers, nested ones too."""
    norm = keras.layers.BatchNormalization
    return [x.name for x in model._flatten_layers() if isinstance(x, norm)]
