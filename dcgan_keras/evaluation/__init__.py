"""Is it any good? Numbers for generated pictures, each with what it cannot see.

classifier.py              the digit classifier that everything is looked at through
train_classifier.py        how it was trained
distances.py               Frechet distance, with its floor
coverage.py                classes, classifier score, precision and recall
novelty.py                 nearest training images
sharpness.py               edges and blur
discriminator_features.py  what D learned, for another task
report.py                  evaluate_images: all of it at once, for digits
sliced_wasserstein.py      patches at every scale, for pictures of any kind
random_features.py         a network of random weights, where no classifier is
picture_report.py          evaluate_pictures: what needs no classifier, at once
"""
