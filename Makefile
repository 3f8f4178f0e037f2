# make run       execute the notebook into build/ and print its summary
# make notebook  open it in JupyterLab
# make test      check style, types and imports, then run all tests, the notebook included
#                (EXTRAS=render runs the renderer's tests too)
# make stand-in  render the hands that ship with the project again (installs the extra)
# make recognizer  train the weights that ship with the project again (hours; -j2 on two cores)

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?=
REQUIREMENTS = requirements.txt $(EXTRAS:%=requirements-%.txt)
NOTEBOOK = asl_recognition.ipynb
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif

# Waiting OpenMP threads spin. On a busy machine that takes the cores from those that work; see
# docs/install.md.
export GOMP_SPINCOUNT ?= 10000

# In a container the user is often root, whom Jupyter refuses otherwise.
AS_ROOT = $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

.PHONY: run notebook test stand-in recognizer setup

run: setup
	$(BIN)/asl notebook $(NOTEBOOK) --output-dir build

notebook: setup
	$(BIN)/jupyter lab $(AS_ROOT) $(NOTEBOOK)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest

stand-in: EXTRAS = render
stand-in: setup
	$(BIN)/python -m asl synthesize build/stand-in --force --signers 5 --seed 0 --size 160 --quality 85
	$(BIN)/python -c "from asl.sources import pack_stand_in; print(pack_stand_in('build/stand-in'))"

# One recogniser without each signer, then the one that ships. What is finished is not repeated, and
# what was interrupted goes on after its last epoch.
# Each uses one thread: two of them side by side are faster than one with two threads.
SIGNERS = 1 2 3 4 5
# The classifier begins with weights from this wheel. It is never installed, so any system's will do.
WHEEL = mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl
UNSEEN = $(SIGNERS:%=build/recognizers/without-%.safetensors)
TRAIN = $(BIN)/python -m asl train --corrected --rendered build/rendered --threads 1 \
	--pretrained build/$(WHEEL)

recognizer: EXTRAS = render train
recognizer: asl/recognizer/recognizer.safetensors

asl/recognizer/recognizer.safetensors: build/recognizers/all.safetensors $(UNSEEN)
	$(BIN)/python -m asl calibrate $< --corrected --unseen $(UNSEEN) --output $@

build/recognizers/all.safetensors: build/rendered/manifest.json build/$(WHEEL)
	$(TRAIN) --checkpoint build/checkpoints/all --output $@

build/recognizers/without-%.safetensors: build/rendered/manifest.json build/$(WHEEL)
	$(TRAIN) --leave-out $* --checkpoint build/checkpoints/without-$* --output $@

build/rendered/manifest.json: | setup
	$(BIN)/python -m asl synthesize build/rendered --force --signers 180 --seed 8 --size 112 \
	  --frames 1 --turned 1.5 --taught f g h x

build/$(WHEEL): | setup
	$(BIN)/python -m pip download --no-deps --only-binary :all: --python-version 3.11 \
	  --platform manylinux_2_28_x86_64 --dest build mediapipe==0.10.21

# Installs again only when the requirements or the place of this folder have changed. The project
# itself is installed in place, so that the command `asl` runs what is here.
setup:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@{ pwd; cat pyproject.toml $(REQUIREMENTS); } | cmp -s - $(VENV)/installed.txt || \
	  { $(BIN)/python -m pip install $(REQUIREMENTS:%=-r %) && \
	    $(BIN)/python -m pip install --no-deps --no-build-isolation --editable . && \
	    { pwd; cat pyproject.toml $(REQUIREMENTS); } > $(VENV)/installed.txt; }
