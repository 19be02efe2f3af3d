"""check_* functions for the notebooks' exercises, one file a notebook.

from dcgan_keras.exercises import transposed_convolution as exercises
"""
