# `make help` lists what there is. Every target makes its environment first, once.
# A Python that all libraries have wheels for; `make run PYTHON=...` names another one.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for one in python3 python3.13 python3.12 python3.11; do \
  $$one -c '$(FITS)' 2>/dev/null && echo $$one && break; done)
BIN := .venv/bin
# Tests run side by side, a file at a time. Each worker holds TensorFlow, 1.5 GB, and keeps to one
# core, so that two of them do not fight over two.
TESTERS ?= 2
PYTEST = OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
  $(BIN)/python -m pytest -n $(TESTERS) --no-loadscope-reorder --dist loadfile
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install run data train eval explore sweep serve test test-slow lint format bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/ready  ## make the environment .venv and install the project in it, in place

run: .venv/ready  ## train the final networks on synthetic heartbeats: no download, no account
	$(BIN)/python main.py --data=synthetic

data: .venv/ready  ## download the MIT-BIH records (about 100 MB)
	$(BIN)/python -m heartbeats.download mitdb

train: .venv/ready  ## train the final networks on MIT-BIH where it is found, else on synthetic beats
	$(BIN)/python main.py

eval: .venv/ready  ## evaluate the best or the pretrained checkpoints on the test set
	$(BIN)/python eval.py

explore: .venv/ready  ## pictures of the data: class counts, mean beats, lengths, embedding
	$(BIN)/python data_exploratory.py

sweep: .venv/ready  ## a small sweep on synthetic beats, with no account, and its report
	$(BIN)/python -m sweeps.agent sweeps/smoke.yaml
	$(BIN)/python -m sweeps.report smoke

serve: .venv/ready  ## the prediction service: a page and an API on http://127.0.0.1:8000
	$(BIN)/python -m serving

test: .venv/ready-dev  ## the fast tests: no network, no account, no data
	$(PYTEST) -m "not slow"

test-slow: .venv/ready-dev  ## the rest: real trainings, the wandb command line, real data if there
	$(PYTEST) -m slow

lint: .venv/ready-dev  ## style and types; `make format` mends most of it
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready-dev  ## mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready  ## time data loading, start-up and training on this machine
	$(BIN)/python -m benchmarks.data_loading
	$(BIN)/python -m benchmarks.start_up
	$(BIN)/python -m benchmarks.training_speed
	$(BIN)/python -m benchmarks.study_growth

clean:  ## remove the environment and the tools' caches; data/ and runs/ stay
	rm -rf .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/ready: requirements.txt pyproject.toml
	@python="$(PYTHON)"; "$${python:=python3}" -c '$(FITS)' 2>/dev/null || { \
	  echo "error: Python 3.11 to 3.13 is needed, and $$python is `$$python --version 2>&1`;" \
	    "install one of them, then: make $(MAKECMDGOALS) PYTHON=/where/it/is/python3.13" >&2; exit 1; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $$python has no venv module; on Debian and Ubuntu: sudo apt install python3-venv" >&2; \
	  exit 1; }; \
	echo "making .venv with `$$python --version`" && "$$python" -m venv .venv
	@echo "installing the libraries, about 2 GB; this takes some minutes, once"
	$(PIP) --editable .
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
