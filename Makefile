# make run       execute the notebook into build/ and print its summary
# make notebook  open it in JupyterLab
# make test      check style, types and imports, then run all tests, the notebook included
#                (EXTRAS=render runs the renderer's tests too)
# make stand-in  render the hands that ship with the project again (installs the extra)
# make page-signs  render the signs that the camera page shows again (installs the extra)
# make torture   damage files, kill trainings, fill disks (minutes; as root, all of it)
# make bench     time everything beside what people use, and write the page about it (an hour;
#                BENCH="--sizes 2515 --rounds 1" for a part)
# make lock      write the lock files again, after a change of requirements*.txt
# make recognizer  train the weights that ship with the project again (hours; -j2 on two cores)

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?=
REQUIREMENTS = requirements.txt $(EXTRAS:%=requirements-%.txt)
# What is installed, with the SHA-256 of every file. What only the CUDA build of torch needs is apart,
# so that the CPU build can do without it; see docs/install.md.
CPU_BUILD = $(wildcard $(VENV)/lib/python3*/site-packages/torch-*+cpu.dist-info)
LOCKS = $(REQUIREMENTS:.txt=.lock) $(if $(CPU_BUILD),,requirements-cuda.lock)
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

.PHONY: run notebook test torture bench lock stand-in page-signs recognizer setup

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

torture: setup
	$(BIN)/python benchmarks/torture.py --output results/reliability.json

# fastai and Lightning have an environment of their own, in which the project's can be seen. Where it
# cannot be made, they are skipped by name.
OTHERS = build/others
BENCH ?=

bench: setup
	test -x $(OTHERS)/bin/python || $(BIN)/python -m venv $(OTHERS)
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$($(OTHERS)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/base.pth"
	$(OTHERS)/bin/python -m pip install --quiet -r benchmarks/requirements-others.txt || true
	$(BIN)/python benchmarks/bench.py --others $(OTHERS)/bin/python \
	  --output results/benchmarks.json $(BENCH)
	$(BIN)/python benchmarks/bench_page.py

stand-in: EXTRAS = render
stand-in: setup
	$(BIN)/python -m asl synthesize build/stand-in --force --signers 5 --seed 0 --size 160 --quality 85
	$(BIN)/python -c "from asl.commands.rendering import pack_stand_in; print(pack_stand_in('build/stand-in'))"

page-signs: EXTRAS = render
page-signs: setup
	$(BIN)/python -c "from asl.commands.rendering import draw_page_signs; print(draw_page_signs())"

# The finder, which every recogniser shares: it learns from rendered hands only. Then both readers of
# recognisers that have not seen some of the signers and one of the sources each, and of the one that
# ships. What is finished is not repeated, and what was interrupted goes on after its last epoch.
# Each uses one thread: two of them side by side are faster than one with two threads.
PHOTOGRAPHS ?= ../shared/strangers
SOURCES = davidlee meyyappan t32rahman
# signers left out + the source left out
FOLDS = 1+davidlee 2+4+meyyappan 3+5+t32rahman
# The networks begin with weights from this wheel. It is never installed, so any system's will do.
WHEEL = mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl
WHEEL_SHA256 = 05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3
MADE = build/recognizers
UNSEEN = $(FOLDS:%=$(MADE)/without-%.safetensors)
TRAIN = $(BIN)/python -m asl train --corrected --rendered build/rendered --threads 1 \
	--pretrained build/$(WHEEL)
READER = $(TRAIN) --finder $(MADE)/finder.safetensors

recognizer: EXTRAS = render train
recognizer: asl/recognizer/recognizer.safetensors

asl/recognizer/recognizer.safetensors: $(MADE)/all.safetensors $(UNSEEN)
	$(BIN)/python -m asl calibrate $< --corrected --unseen $(UNSEEN) \
	  --photographs $(SOURCES:%=$(PHOTOGRAPHS)/%) --output $@

$(MADE)/finder.safetensors: build/rendered/manifest.json build/$(WHEEL)
	$(TRAIN) --finder-only --checkpoint build/checkpoints/finder --output $@

$(MADE)/all.safetensors: $(MADE)/finder.safetensors
	$(READER) --photographs $(SOURCES:%=$(PHOTOGRAPHS)/%) --checkpoint build/checkpoints/all \
	  --output $@

$(MADE)/without-%.safetensors: $(MADE)/finder.safetensors
	$(READER) --leave-out $(filter-out $(SOURCES),$(subst +, ,$*)) \
	  --photographs $(addprefix $(PHOTOGRAPHS)/,$(filter-out $(subst +, ,$*),$(SOURCES))) \
	  --checkpoint build/checkpoints/without-$* --output $@

build/rendered/manifest.json: | setup
	$(BIN)/python -m asl synthesize build/rendered --force --signers 120 --seed 8 --size 112 \
	  --frames 1 --turned 1.5 --taught

build/$(WHEEL): | setup
	mkdir -p build
	echo "mediapipe==0.10.21 --hash=sha256:$(WHEEL_SHA256)" > build/wheel.txt
	$(BIN)/python -m pip download --no-deps --only-binary :all: --python-version 3.11 \
	  --platform manylinux_2_28_x86_64 --dest build --require-hashes -r build/wheel.txt

# Installs again only when the requirements or the place of this folder have changed. The project
# itself is installed in place, so that the command `asl` runs what is here.
setup:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@{ pwd; cat pyproject.toml $(REQUIREMENTS) $(LOCKS); } | cmp -s - $(VENV)/installed.txt || \
	  { $(BIN)/python -m pip install --require-hashes $(LOCKS:%=-r %) && \
	    $(BIN)/python -m pip install --no-deps --no-build-isolation --editable . && \
	    { pwd; cat pyproject.toml $(REQUIREMENTS) $(LOCKS); } > $(VENV)/installed.txt; }

# One resolution for everything, then a lock for each file of requirements, which all agree. Pins
# stay as they are where they can. To take the newest of everything, remove the locks first.
LOCKED = requirements $(patsubst %.txt,%,$(wildcard requirements-*.txt))
COMPILE = build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header
IS_CUDA = /^[a-z0-9]/ { cuda = /^(cuda|nvidia|triton)/ }

lock:
	test -x build/uv/bin/uv || $(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	cat /dev/null $(wildcard requirements*.lock) > build/everything.txt
	$(COMPILE) $(LOCKED:%=%.txt) --output-file build/everything.txt
	for name in $(LOCKED); do \
	  $(COMPILE) --generate-hashes --constraint build/everything.txt $$name.txt \
	    --output-file build/$$name.lock || exit; \
	  awk '$(IS_CUDA) !cuda' build/$$name.lock > $$name.lock; \
	done
	awk '$(IS_CUDA) cuda' build/requirements.lock > requirements-cuda.lock
