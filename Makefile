# make run       execute the notebook into build/ and print its summary
# make notebook  open it in JupyterLab
# make test      lint, then all tests, the notebook included (EXTRAS=render: the renderer's too)
# make stand-in  render the hands that ship with the project anew (installs the extra)
# make recognizer  train the weights that ship with the project anew (hours; -j2 on two cores)

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

.PHONY: run notebook test stand-in recognizer setup

run: setup
	TQDM_DISABLE=1 $(BIN)/jupyter nbconvert --log-level ERROR --execute --to notebook --output-dir build $(NOTEBOOK)
	@$(BIN)/jupyter nbconvert --log-level ERROR --to html --output-dir build build/$(NOTEBOOK)
	@echo "Executed notebook: build/$(NOTEBOOK)"
	@echo "A page to read:    build/$(NOTEBOOK:.ipynb=.html)"
	@$(BIN)/python -c "$$PRINT_SUMMARY"

notebook: setup
	$(BIN)/jupyter lab $(NOTEBOOK)

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest

stand-in: EXTRAS = render
stand-in: setup
	$(BIN)/python -m asl synthesize build/stand-in --force --signers 5 --seed 0 --size 160 --quality 85
	$(BIN)/python -c "from asl.sources import pack_stand_in; print(pack_stand_in('build/stand-in'))"

# One recogniser without each signer, then the one that ships; what is finished is not done again.
# One thread each: two side by side are faster than one with two.
SIGNERS = 1 2 3 4 5
# The classifier begins with a network in it; it is not installed, so any system's wheel will do.
WHEEL = mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl
UNSEEN = $(SIGNERS:%=build/recognizers/without-%.safetensors)
TRAIN = $(BIN)/python -m asl train --corrected --rendered build/rendered --threads 1 \
	--pretrained build/$(WHEEL)

recognizer: EXTRAS = render train
recognizer: asl/recognizer/recognizer.safetensors

asl/recognizer/recognizer.safetensors: build/recognizers/all.safetensors $(UNSEEN)
	$(BIN)/python -m asl calibrate $< --corrected --unseen $(UNSEEN) --output $@

build/recognizers/all.safetensors: build/rendered/manifest.json build/$(WHEEL)
	$(TRAIN) --output $@

build/recognizers/without-%.safetensors: build/rendered/manifest.json build/$(WHEEL)
	$(TRAIN) --leave-out $* --output $@

build/rendered/manifest.json: | setup
	$(BIN)/python -m asl synthesize build/rendered --force --signers 180 --seed 8 --size 112 \
	  --frames 1 --turned 1.5 --taught f g h x

build/$(WHEEL): | setup
	$(BIN)/python -m pip download --no-deps --only-binary :all: --python-version 3.11 \
	  --platform manylinux_2_28_x86_64 --dest build mediapipe==0.10.21

# Installs again only when the text of the requirements has changed, whatever its date says.
setup:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@cat $(REQUIREMENTS) | cmp -s - $(VENV)/installed.txt || \
	  { $(BIN)/python -m pip install $(REQUIREMENTS:%=-r %) && \
	    cat $(REQUIREMENTS) > $(VENV)/installed.txt; }

# The text form of the cell tagged "summary" in the executed notebook.
define PRINT_SUMMARY
import nbformat
cells = nbformat.read("build/$(NOTEBOOK)", as_version=4).cells
for cell in cells:
    if "summary" in cell.metadata.get("tags", []):
        print(*(output.data["text/plain"] for output in cell.outputs), sep="\n")
endef
export PRINT_SUMMARY
