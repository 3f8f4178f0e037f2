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
	$(BIN)/python -c "from asl.stand_in import pack_stand_in; print(pack_stand_in('build/stand-in'))"

# One recogniser without each signer, then the one that ships; what is finished is not done again.
# One thread each: two side by side are faster than one with two.
SIGNERS = 1 2 3 4 5
UNSEEN = $(SIGNERS:%=build/recognizers/without-%.safetensors)
RENDERED = build/rendered build/rendered-taught
TRAIN = $(BIN)/python -m asl train --corrected --rendered $(RENDERED) --threads 1

recognizer: EXTRAS = render train
recognizer: asl/recognizer.safetensors

asl/recognizer.safetensors: build/recognizers/all.safetensors $(UNSEEN)
	$(BIN)/python -m asl calibrate $< --corrected --unseen $(UNSEEN) --output $@

build/recognizers/all.safetensors: $(RENDERED:%=%/manifest.json)
	$(TRAIN) --output $@

build/recognizers/without-%.safetensors: $(RENDERED:%=%/manifest.json)
	$(TRAIN) --leave-out $* --output $@

SYNTHESIZE = $(BIN)/python -m asl synthesize --signers 120 --size 64 --frames 1 --turned 1.5

build/rendered/manifest.json: | setup
	$(SYNTHESIZE) --seed 7 build/rendered

build/rendered-taught/manifest.json: | setup
	$(SYNTHESIZE) --seed 8 --taught build/rendered-taught

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
