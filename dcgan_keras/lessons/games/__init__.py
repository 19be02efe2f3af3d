"""The small worlds of notebooks 01 and 02.

theory.py    densities, divergences, the optimal D, the bilinear game
ring.py      the ring of Gaussians, on which mode collapse can be counted
sampling.py  distributions as samplers: mixtures, a figure eight, pushforward
toy_gan.py   a small dense GAN on one- and two-dimensional data; needs TensorFlow
"""
