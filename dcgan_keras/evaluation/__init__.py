"""Is it any good? Numbers for generated digits, each with what it cannot see.

classifier.py              the digit classifier that everything is looked at through
train_classifier.py        how it was trained
distances.py               Frechet distance, with its floor
coverage.py                classes, classifier score, precision and recall
novelty.py                 nearest training images
sharpness.py               edges and blur
discriminator_features.py  what D learned, for another task
report.py                  evaluate_images: all of it at once
"""
