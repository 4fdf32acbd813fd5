# `make help` lists what there is. Every target makes its environment first, once.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run data train eval explore sweep serve test test-slow lint format bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

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
	$(BIN)/python -m pytest -m "not slow"

test-slow: .venv/ready-dev  ## the rest: real trainings, the wandb command line, real data if there
	$(BIN)/python -m pytest -m slow

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
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache

.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
