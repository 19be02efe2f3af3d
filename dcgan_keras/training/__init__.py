"""Training: the two loops, the default recipe, run folders, the command line's work.

dcgan.py           both players in one keras.Model with a train_step
composite_loop.py  the classic loop over the composite model
players.py         what both have in common
recipe.py          the default and its settings
sampling.py        drawing from a trained generator
callbacks.py       history, run folder and progress, for ``fit``
runs.py            the files of a run
fingerprint.py     what else the numbers of a run depend on
configuration.py   from a run's config.json to its models
commands.py        train, sample, evaluate
"""
