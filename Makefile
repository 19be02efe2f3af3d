# What there is to type. Every target makes .venv first, once, if it is not there.
SHELL := /bin/bash
VENV := .venv/bin/python
# Processes that test at once; a module and a notebook stay whole.
JOBS ?= 2
SOURCES := $(wildcard dcgan_keras tests tools benchmarks notebooks)

# The course's own settings, whatever the user's home holds.
export JUPYTER_PREFER_ENV_PATH := 1
export IPYTHONDIR := $(CURDIR)/.venv/ipython
export MPLCONFIGDIR := $(CURDIR)/.venv/matplotlib
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export KERAS_BACKEND := tensorflow
unexport JUPYTER_PATH $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))

.PHONY: help setup run site class-site test lab lint notebooks class-set slides colab \
  matrix clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s  %s\n", $$1, $$2 }' Makefile

setup:  ## make .venv (every target below does so by itself)
	@tools/setup.sh

run: setup  ## run all notebooks; the readable course is then build/course/index.html
	@$(VENV) tools/run_notebooks.py

site: setup  ## the course as a website, from the stored outputs: build/site/index.html
	@$(VENV) tools/build_site.py

class-site: setup  ## the website for a class, without solutions and docs/teaching/
	@$(VENV) tools/build_site.py --class

# The notebooks' numbers were stored with the libraries' own choice of kernels for the
# processor. The tests take the plainest ones: a number that hangs on the choice (on the
# sign of a singular vector, say) is found here, and every machine tests the same.
ifeq ($(shell uname -m),x86_64)
test: export OPENBLAS_CORETYPE := Nehalem
endif

test: lint  ## check the code, the text and every number in the notebooks
	@$(VENV) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=300 \
		--numprocesses=$(JOBS) --dist=loadscope tests $(wildcard notebooks)

lab: setup  ## open copies of the notebooks, in lab/, in JupyterLab
	@$(VENV) tools/lab.py

lint: setup  ## check the style of the code, in notebooks too
	@$(VENV) -m ruff check --quiet $(SOURCES) && $(VENV) -m ruff format --quiet --check $(SOURCES)

notebooks: setup  ## run all notebooks and store their outputs (for authors)
	@$(VENV) tools/run_notebooks.py --store

class-set: setup  ## write a set for a class to build/class/, with and without solutions
	@$(VENV) tools/class_set.py

slides: setup  ## make slides of the notebooks' figures in build/slides/
	@$(VENV) tools/slides.py

colab: setup  ## stamp links to Colab: make colab REPO=owner/name
	@$(VENV) tools/colab.py $(REPO)

matrix: setup  ## run notebooks and tests on other versions of Python, TensorFlow and Keras
	@$(VENV) tools/version_matrix.py --tests

clean:  ## remove build/ and caches (.venv, lab/ and runs/ stay)
	@rm -rf build .hypothesis .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
