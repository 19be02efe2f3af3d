"""Data: real images in, batches for training out.

datasets.py      load_dataset, check_images, training_batches
image_folder.py  a folder of anybody's pictures
listing.py       which files of it are pictures, of which class and split
pictures.py      one picture: what it is, and its pixels
archives.py      the files that data sets come in
"""
