"""The two players of a DCGAN, for any reachable square size.

Defaults follow Radford et al. 2015; every choice that is disputed elsewhere is an
argument, and its docstring says who disputes it.
"""

from collections.abc import Sequence

from dcgan_keras._tensorflow import check_course_types, keras
from dcgan_keras.fast.layers import (
    FastBatchNormalization,
    FastLeakyReLU,
    ImageConv2D,
    ImageConv2DTranspose,
    ResizeConv2D,
)
from dcgan_keras.sizes import (
    check_below_one,
    check_choice,
    check_flag,
    check_not_negative,
    check_positive,
    is_int,
    seed_of,
    stages,
    units_of,
    widths_of,
)


def build_generator(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 100,
    channels: int | Sequence[int] = 32,
    kernel_size: int = 5,
    extra_kernel_size: int | None = None,
    activation: str = "relu",
    batch_norm: str | None = "before",
    project_norm: str = "units",
    momentum: float = 0.9,
    output_layer: str = "transposed",
    fast: bool = False,
    use_bias: bool | None = None,
    weight_stddev: float | None = 0.02,
    leaky_slope: float = 0.2,
    seed: int | None = None,
    upsampling: str = "transposed",
    hidden_units: Sequence[int] = (),
    batch_norm_at_image: bool = False,
    output_activation: str = "tanh",
    classes: int | None = None,
) -> keras.Sequential:
    """G: project z and reshape, then double the size until the image is reached.

    Args:
        image_shape: (H, W, C) with H = W one of ``sizes.IMAGE_SIZES`` (8 to 256): what
            strides of 2 reach from a start of 4 to 7 pixels.
        latent_dim: length of z, at least 1.
        channels: the channels of the layer before the image; each layer towards z has
            twice as many (28x28: 64, 32; the paper's 64x64: 1024, 512, 256, 128 with
            channels=128). Or the list itself, from z to the image; entries beyond
            what the size needs are extra layers of stride 1 next to z, as in the
            TensorFlow tutorial.
        kernel_size: 5 in the paper; 4 in its PyTorch version, which with stride 2
            gives every pixel the same overlap count and so no checkerboard.
        extra_kernel_size: of the extra layers of stride 1; None: ``kernel_size``.
        activation: "relu" (paper, S23, L22, AV) or "leaky_relu" (OV, TF tutorial).
        batch_norm: "before" the activation (paper), "after" it (OV), or None. At the
            output only if ``batch_norm_at_image`` asks for it. In training mode a batch
            of one z gives the same image for every z, unless ``project_norm`` is
            "channels" and there are no ``hidden_units``: each unit is its own mean.
        project_norm: BN of the projected z: of its "units", before the reshape (the
            paper's code, TF tutorial), or of its "channels", after it (PyTorch).
        momentum: of BN's moving averages; Keras's 0.99 needs hundreds of steps to
            forget the start, and the paper's code keeps no averages at all.
        output_layer: "transposed" convolution (paper, C728), or "conv": the image is
            reached before a last ``Conv2D`` (OV).
        fast: with ``fast.layers`` at the image, BN and leaky ReLU, and where pixels are
            repeated: the same map and the same weights, faster on a CPU.
        use_bias: None: only where no BN follows, whose beta is a bias; False: nowhere
            (the paper's code); True: everywhere.
        weight_stddev: of the normal initial weights (paper: 0.02); None: Keras's
            Glorot uniform. BN's gamma starts at 1, never around 0.
        leaky_slope: where activation is "leaky_relu": 0.2 in the paper's D, 0.01 in
            C728, 0.3 is Keras's default.
        seed: of the initial weights; None: Keras's global seed. Each layer draws with
            its place in the network added to the seed. So two seeds never give a layer
            the same numbers, but seeds a few apart give the same ones to layers of
            different places, in G as in D: ``up1`` here has with seed 1 those of D's
            ``down2`` with seed 3. Seeds 1,000 apart share nothing.
        upsampling: "transposed": convolutions of stride 2 (paper), or "nearest": each
            pixel is repeated, then a convolution of stride 1 (Keras-GAN; Odena et al.
            2016, against checkerboards).
        hidden_units: of dense layers between z and the projection; the paper has none.
        batch_norm_at_image: BN at the output, too, which the paper warns of: it fixes
            the mean and contrast of every batch. Measured in notebook 07. Not with
            ``batch_norm=None``.
        output_activation: "tanh" (paper), or "sigmoid", whose images are in [0, 1]:
            right only for data in the same range.
        classes: of a conditional G, which takes a one-hot label after z: see
            ``labels.with_labels``.

    Returns:
        A ``keras.Sequential``: float32 (N, latent_dim) -> (N, H, W, C) in [-1, 1]; with
        classes (N, latent_dim + classes) -> (N, H, W, C).

    Raises:
        ValueError: an argument outside of what is said above, or a Keras that is set
            to channels_first.

    Example:
        >>> build_generator((64, 64, 3), channels=128, use_bias=False).output_shape
        (None, 64, 64, 3)

    Source: Radford et al. 2015, section 3 and figure 1; notebook 05.
    """
    check_course_types()
    start, doublings = stages(image_shape)
    check_positive(latent_dim=latent_dim, kernel_size=kernel_size)
    latent_dim, kernel_size = int(latent_dim), int(kernel_size)
    check_not_negative(leaky_slope=leaky_slope)
    leaky_slope = float(leaky_slope)
    check_choice("activation", activation, ("relu", "leaky_relu"))
    check_choice("project_norm", project_norm, ("units", "channels"))
    check_choice("output_layer", output_layer, ("transposed", "conv"))
    check_choice("upsampling", upsampling, ("transposed", "nearest"))
    check_choice("output_activation", output_activation, ("tanh", "sigmoid"))
    if extra_kernel_size is None:
        extra_kernel_size = kernel_size
    check_positive(extra_kernel_size=extra_kernel_size)
    extra_kernel_size = int(extra_kernel_size)
    widths = widths_of(channels, doublings)
    if is_int(channels):
        widths.reverse()
    if len(widths) < doublings:
        raise ValueError(
            f"channels: expected at least {doublings} entries, one a doubling, for "
            f"image_shape {tuple(image_shape)}; got {widths}"
        )
    layer = _Layers(
        batch_norm, batch_norm_at_image, momentum, use_bias, weight_stddev, seed, fast
    )
    slope = 0.0 if activation == "relu" else leaky_slope

    layers = []
    units = start * start * widths[0]
    reshape = keras.layers.Reshape((start, start, widths[0]), name="reshape")
    early = reshape if project_norm == "channels" else None
    dense = keras.layers.Dense
    layer.add_hidden(layers, hidden_units, slope)
    layer.add(layers, dense, units, slope=slope, then=early, name="project")
    if early is None:
        layers.append(reshape)
    last = int(image_shape[-1])
    targets = widths[1:] + ([last] if output_layer == "transposed" else widths[-1:])
    for number, filters in enumerate(targets, start=1):
        is_doubling = number > len(targets) - doublings
        strides = 2 if is_doubling else 1
        is_image = output_layer == "transposed" and number == len(targets)
        is_fast = is_image and fast
        kind = ImageConv2DTranspose if is_fast else keras.layers.Conv2DTranspose
        if is_doubling and upsampling == "nearest":
            strides = 1
            if fast and kernel_size % 2:
                kind = ResizeConv2D
                layer.merged += 1
            else:
                repeat = keras.layers.UpSampling2D(2, name=f"repeat{number}")
                layers.append(repeat)
                kind = keras.layers.Conv2D
        layer.add(
            layers,
            kind,
            filters,
            kernel_size if is_doubling else extra_kernel_size,
            strides=strides,
            padding="same",
            slope=None if is_image else slope,
            has_batch_norm=not is_image or batch_norm_at_image,
            name="image" if is_image else f"up{number}",
        )
    if output_layer == "conv":
        layer.add(
            layers,
            keras.layers.Conv2D,
            last,
            kernel_size,
            padding="same",
            has_batch_norm=batch_norm_at_image,
            name="image",
        )
    end = output_activation
    layers.append(keras.layers.Activation(end, dtype="float32", name=end))
    z = keras.Input((latent_dim + _count(classes),), name="z")
    return keras.Sequential([z, *layers], name="generator")  # built once, not by layer


def build_discriminator(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    channels: int | Sequence[int] = 32,
    kernel_size: int = 5,
    leaky_slope: float = 0.2,
    batch_norm: str | None = "before",
    momentum: float = 0.9,
    dropout: float = 0.0,
    output: str = "logit",
    fast: bool = False,
    use_bias: bool | None = None,
    weight_stddev: float | None = 0.02,
    seed: int | None = None,
    downsampling: str = "strided",
    hidden_units: Sequence[int] = (),
    batch_norm_at_image: bool = False,
    classes: int | None = None,
) -> keras.Sequential:
    """D: halve the size by strided convolutions, then one number: real or fake.

    Args:
        image_shape: (H, W, C) with H = W one of ``sizes.IMAGE_SIZES`` (8 to 256).
        channels: the channels of the first layer; each further layer has twice as
            many (28x28: 32, 64; the paper's 64x64: 128, 256, 512, 1024). Or the list
            itself, from the image to the answer; entries beyond what the size needs
            are further layers of stride 2 (28x28: 14, 7, 4, 2, 1).
        kernel_size: 5 in the paper, 4 in its PyTorch version.
        leaky_slope: 0.2 in the paper, 0.01 in C728, 0.3 is Keras's default; 0 is
            ReLU, which the guidelines keep out of D.
        batch_norm: "before" the activation (paper), "after" it (OV), or None. In the
            first layer only if ``batch_norm_at_image`` asks for it.
        momentum: of BN's moving averages.
        dropout: share of activations zeroed after each layer, 0 to below 1. Absent
            from the paper; a technique of DCGAN according to C728; 0.3 in the TF
            tutorial.
        output: "logit", or "probability" (OV: sigmoid). The losses of this course
            take logits, which do not lose precision at +-100.
        fast: with ``fast.layers`` at the image, BN and leaky ReLU: the same map and
            the same weights, faster on a CPU.
        use_bias: None: only where no BN follows; False: nowhere (the paper's code);
            True: everywhere.
        weight_stddev: of the normal initial weights (paper: 0.02); None: Keras's
            Glorot uniform.
        seed: of the initial weights and dropout; None: Keras's global seed. Each layer
            draws with its place in the network added to the seed, and dropout with 100
            more. So seeds a few apart share numbers between layers of different places,
            as ``build_generator`` says; seeds 1,000 apart share nothing.
        downsampling: "strided" convolutions (paper), or convolutions of stride 1, each
            with "max_pooling" or "average_pooling" after it.
        hidden_units: of dense layers before the answer; the paper has none. With BN, a
            batch of one image gets the same answer for every image in training mode.
        batch_norm_at_image: BN in the first layer, too, which the paper warns of: it
            hides the images' mean and contrast from D. Measured in notebook 07. Not
            with ``batch_norm=None``.
        classes: of a conditional D, which has an answer for each: "is this a real
            image of class k?"

    Returns:
        A ``keras.Sequential``: float32 (N, H, W, C) in [-1, 1] -> (N, 1), or with
        classes (N, classes).

    Raises:
        ValueError: an argument outside of what is said above, or a Keras that is set
            to channels_first.

    Example:
        >>> build_discriminator().output_shape
        (None, 1)

    Source: Radford et al. 2015, section 3; notebook 05.
    """
    check_course_types()
    _, halvings = stages(image_shape)
    check_positive(kernel_size=kernel_size)
    kernel_size = int(kernel_size)
    check_not_negative(leaky_slope=leaky_slope)
    leaky_slope = float(leaky_slope)
    check_choice("output", output, ("logit", "probability"))
    check_choice("downsampling", downsampling, ("strided", *_POOLING))
    check_below_one(dropout=dropout)
    dropout = float(dropout)
    widths = widths_of(channels, halvings)
    if len(widths) < halvings:
        raise ValueError(
            f"channels: expected at least {halvings} entries, one a layer of stride 2, "
            f"for image_shape {tuple(image_shape)}; got {widths}"
        )
    layer = _Layers(
        batch_norm, batch_norm_at_image, momentum, use_bias, weight_stddev, seed, fast
    )

    layers = []
    for number, filters in enumerate(widths, start=1):
        is_fast = number == 1 and fast and downsampling == "strided"
        layer.add(
            layers,
            ImageConv2D if is_fast else keras.layers.Conv2D,
            filters,
            kernel_size,
            strides=2 if downsampling == "strided" else 1,
            padding="same",
            slope=leaky_slope,
            has_batch_norm=number > 1 or batch_norm_at_image,
            name=f"down{number}",
        )
        if downsampling != "strided":
            pool = _POOLING[downsampling](2, padding="same", name=f"pool{number}")
            layers.append(pool)
        if dropout > 0:
            drop_seed = None if seed is None else layer.seed + 100 + number
            drop = keras.layers.Dropout(dropout, seed=drop_seed, name=f"drop{number}")
            layers.append(drop)
    layers.append(keras.layers.Flatten(name="flatten"))
    layer.add_hidden(layers, hidden_units, leaky_slope)
    answers = _count(classes) or 1
    layer.add(layers, keras.layers.Dense, answers, has_batch_norm=False, name="answer")
    last = "sigmoid" if output == "probability" else "linear"
    layers.append(keras.layers.Activation(last, dtype="float32", name=output))
    images = keras.Input(tuple(image_shape), name="images")
    return keras.Sequential([images, *layers], name="discriminator")


def _count(classes: int | None) -> int:
    if classes is None:
        return 0
    if not is_int(classes) or classes < 2:
        raise ValueError(
            f"classes: expected None or a whole number >= 2, got {classes!r}"
        )
    return int(classes)


_POOLING = {
    "max_pooling": keras.layers.MaxPooling2D,
    "average_pooling": keras.layers.AveragePooling2D,
}


class _Layers:
    """Appends a layer with weights, its BN and its activation, in the chosen order."""

    def __init__(self, batch_norm, at_image, momentum, use_bias, stddev, seed, fast):
        check_choice("batch_norm", batch_norm, ("before", "after", None))
        check_flag(batch_norm_at_image=at_image, fast=fast)
        if at_image and batch_norm is None:
            raise ValueError(
                "batch_norm_at_image: expected False where batch_norm is None, got True"
            )
        check_below_one(momentum=momentum)
        if use_bias is not None:
            check_flag(use_bias=use_bias)
        if stddev is not None:
            check_not_negative(weight_stddev=stddev)
            stddev = float(stddev)
        self.batch_norm, self.momentum = batch_norm, float(momentum)
        self.use_bias, self.stddev, self.seed = use_bias, stddev, seed_of(seed)
        plain = keras.layers.BatchNormalization
        self.merged = 0  # layers that another does the work of; the seeds count them
        self.normalization = FastBatchNormalization if fast else plain
        self.leaky_relu = FastLeakyReLU if fast else keras.layers.LeakyReLU

    def add(
        self,
        layers,
        kind,
        *sizes,
        slope=None,
        has_batch_norm=True,
        then=None,
        **options,
    ):
        """slope: of the leaky ReLU, 0 for ReLU, None for an output without either;
        then: a layer between the weights and their BN."""
        name = options["name"]
        has_batch_norm = has_batch_norm and self.batch_norm
        bias = not has_batch_norm if self.use_bias is None else self.use_bias
        initializer = self._initializer(len(layers) + self.merged)
        layers.append(
            kind(*sizes, use_bias=bias, kernel_initializer=initializer, **options)
        )
        following = []
        if then is not None:
            layers.append(then)
        if slope is not None:
            following.append(self._activation(slope, f"{name}_activation"))
        if has_batch_norm:
            norm = self.normalization(
                momentum=self.momentum, epsilon=1e-5, name=f"{name}_bn"
            )
            following.insert(0 if self.batch_norm == "before" else 1, norm)
        layers.extend(following)

    def add_hidden(self, layers, hidden_units, slope) -> None:
        """Dense layers, as the others with BN and activation."""
        widths = units_of("hidden_units", hidden_units)
        for number, units in enumerate(widths, start=1):
            dense = keras.layers.Dense
            self.add(layers, dense, units, slope=slope, name=f"hidden{number}")

    def _initializer(self, number: int):
        seed = None if self.seed is None else self.seed + number
        if self.stddev is None:
            return keras.initializers.GlorotUniform(seed=seed)
        return keras.initializers.RandomNormal(stddev=self.stddev, seed=seed)

    def _activation(self, slope: float, name: str):
        if slope == 0:
            return keras.layers.ReLU(name=name)
        return self.leaky_relu(negative_slope=slope, name=name)
