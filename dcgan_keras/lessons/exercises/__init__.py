"""check_* functions for the notebooks' exercises, one file a notebook.

from dcgan_keras.lessons.exercises import transposed_convolution as exercises
"""
