"""Data: real images in, batches for training out.

datasets.py      load_dataset, check_images, training_batches
image_folder.py  a folder of anybody's pictures
archives.py      the files that data sets come in
"""
