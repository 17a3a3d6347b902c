PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/dcgan_digits
EPOCHS ?=

.PHONY: demo test lint slow bench clean

# Train dcgan_digits on the embedded data and leave a run folder with samples, weights, ONNX and SavedModel.
demo: $(VENV)/installed
	$(BIN)/kerasgan train dcgan_digits --out $(OUT) $(if $(EPOCHS),--epochs $(EPOCHS))

test: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build && $(BIN)/python -m pip install --quiet --no-deps --target build/typed . && cd build/typed && ../../$(BIN)/mypy --config-file ../../pyproject.toml
	$(BIN)/python -m pytest

slow: $(VENV)/tested
	$(BIN)/python -m pytest -m slow

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# torch is pinned to the CPU build where the index has one: plain torch pulls gigabytes of CUDA packages.
$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[test,jax]"
	$(BIN)/python -m pip install --quiet "torch==2.13.0" || echo "no CPU build of torch here: its tests are skipped"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
