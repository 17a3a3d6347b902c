PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/dcgan_digits
EPOCHS ?=
TORCH ?= torch==2.13.0
TESTS ?=

.PHONY: demo test slow notebooks docs clean

# Train dcgan_digits on the embedded data and leave a run folder with samples, weights, ONNX and SavedModel.
demo: $(VENV)/installed
	$(BIN)/kerasgan train dcgan_digits --out $(OUT) $(if $(EPOCHS),--epochs $(EPOCHS))

test: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build && $(BIN)/python -m pip install -qq --no-deps --target build/typed . && cd build/typed && ../../$(BIN)/mypy --config-file ../../pyproject.toml
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

slow: $(VENV)/tested
	$(BIN)/python -m pytest -m slow $(TESTS)

# Every notebook from a clean kernel, with short trainings; an error or a warning fails.
notebooks: $(VENV)/tested
	$(BIN)/python scripts/notebooks.py --quick --dry-run --jobs 2

# The reference, from the docstrings, into build/site; a warning fails.
docs: $(VENV)/documenting
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --editable .
	touch $@

# `make test TORCH=` leaves PyTorch out: where pip finds no CPU build of it, it is gigabytes. Its tests then skip.
$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install -qq --editable ".[test,jax]"
	$(if $(TORCH),$(BIN)/python -m pip install -qq $(TORCH))
	# Without its requirements: of torch and torchvision it needs only the first, and only for its formulas.
	$(if $(TORCH),$(BIN)/python -m pip install -qq --no-deps torch-fidelity==0.4.0)
	touch $@

$(VENV)/documenting: $(VENV)/installed
	$(BIN)/python -m pip install -qq --editable ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
