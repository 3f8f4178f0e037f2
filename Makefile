# make run       execute the notebook into build/ and print its summary
# make notebook  open it in JupyterLab
# make test      lint, then all tests, the notebook included

PYTHON ?= python3
VENV ?= .venv
NOTEBOOK = asl_recognition.ipynb
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif

.PHONY: run notebook test setup

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

# Installs again only when the text of requirements.txt has changed, whatever its date says.
setup:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@cmp -s requirements.txt $(VENV)/installed.txt || \
	  { $(BIN)/python -m pip install -r requirements.txt && cp requirements.txt $(VENV)/installed.txt; }

# The text form of the cell tagged "summary" in the executed notebook.
define PRINT_SUMMARY
import nbformat
cells = nbformat.read("build/$(NOTEBOOK)", as_version=4).cells
for cell in cells:
    if "summary" in cell.metadata.get("tags", []):
        print(*(output.data["text/plain"] for output in cell.outputs), sep="\n")
endef
export PRINT_SUMMARY
