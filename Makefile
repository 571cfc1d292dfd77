# Every command there is. `make` alone lists them.
#
#   PYTHON   the interpreter that .venv is made from:     make sonnets PYTHON=python3.12
#   VENV     the folder of the virtual environment:       make test VENV=.venv312
#   PARTS    the extras of nnlite that .venv holds:        make sonnets PARTS=cli,plot,report
#   EXTRAS   what `make test` installs. Without `peers` and `docs` it saves the downloads of PyTorch and Sphinx, and
#            skips the tests that ask them:                make test EXTRAS=test
#   CC       the compiler, such as clang:                 make clean build CC=clang
#   PORTABLE what `make test-portable` compiles for: values of NNLITE_ARCH that this CPU can run,
#   CACHES   and caches of another one, such as an Intel server's
#   FUZZ     for how many seconds `make test-sanitize` draws sizes at random, with each kind of sanitizer
#   WORDS    which work `make bench-compare` compares:    make bench-compare WORDS="training dense"
#   N, SEED, MINUTES  how many mutants, which (by default those of the commit), and when to stop:  make mutants N=30 SEED=1
#   RESUME   1: go on with mutants of the same N and SEED, where a run of them did not end
#   SINCE    only mutants of lines that have changed since a commit:  make mutants SINCE=HEAD

PYTHON ?= python3
VENV ?= .venv
PARTS ?= all
EXTRAS ?= test peers docs mpi dask keras onnx homework browser
PORTABLE ?= x86-64-v3 x86-64-v2
CACHES ?= 48K 2M
N ?= 300
FUZZ ?= 600

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
UV := $(VENV)/bin/uv

# One process for each core. pytest-benchmark, which measures in one process alone, would warn.
PARALLEL := --numprocesses auto --dist worksteal -p no:benchmark

# What Python does alone, whatever the kernels are made for: refusing, converting, explaining.
OF_PYTHON := contract or kind or refused or explain or configuration_shows or handed_out or none_out

# What kernels for another CPU are tried with: their own tests, and the layers' that hold them equal to the reference.
OF_KERNELS := kernels layers test_kernels.py
BUT_OF_KERNELS := pytorch or $(OF_PYTHON) or (layers and not (compiled_is_the_reference or whatever_it_is_given))

# With sanitizers whatever reaches the kernels is tried, and the doors that refuse.
BUT_OF_SANITIZERS := pytorch or (not doors and ($(OF_PYTHON)))

# What a wheel is tried with: its files, and kernels for another CPU; or NumPy, which `make test` holds equal to kernels.
USE_COMPILED := installed.py test_import.py $(OF_KERNELS)
USE_PURE := installed.py test_import.py layers/test_dense.py

# What the oldest versions are tried with: nnlite is imported, trains, saves, loads and writes, draws, runs every command.
# Left out: what takes long, and what the oldest typer (nan) answers in other words.
USE_OLDEST := $(addsuffix .py,installed test_import test_checkpoint test_training test_report test_plot test_cli \
              test_cli_text test_cli_digits test_minimal_rnn)
BUT_OF_OLDEST := killed or interrupted or main_job or nan or OwnPictures or test_resume or Stats or overwrites

# The wheel with kernels is for CPUs of the last ten years.
WHEEL_ARCH = $(or $(NNLITE_ARCH),$(if $(filter x86_64,$(shell uname -m)),x86-64-v3,native))

extras = $(addprefix $(VENV)/extra-,$(1))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help sonnets digits build test test-long test-portable test-arm test-sanitize package test-package \
        test-oldest mutants lint bench bench-compare docs clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-15s %s\n", $$1, $$2 }'

sonnets: build  ## train an LSTM on Shakespeare's sonnets and let it write poems: the place to start
	@$(VENV)/bin/nnlite train

digits: build  ## train a CNN to read handwritten digits, in seconds, and draw what it learned
	@$(VENV)/bin/nnlite digits

build: $(VENV)/compiled  ## make .venv and compile the kernels; again after a change in csrc/

test: build $(call extras,$(EXTRAS))  ## run the tests
	@$(PY) -m pytest $(PARALLEL)

test-long: build $(call extras,$(EXTRAS))  ## run the tests with 25 times as many random examples, and those that take minutes
	@$(PY) -m pytest $(PARALLEL) -m "" --hypothesis-profile long

# Kernels for other CPUs have other vectors and tiles. They go to build/, beside those of this one. Tests that start a
# Python of their own would have it import the checkout instead, where it runs.
test-portable: $(call extras,test) build  ## compile the kernels for older CPUs and other caches, and run their tests
	@set -e; for arch in $(PORTABLE); do \
	  echo "Compiling the kernels for $$arch with caches of $(CACHES) ..."; \
	  NNLITE_ARCH=$$arch NNLITE_CACHES="$(CACHES)" $(PY) setup.py --quiet build --build-lib build/$$arch --build-temp build/$$arch-temp; \
	  PYTHONSAFEPATH=1 PYTHONPATH=$$PWD/build/$$arch $(VENV)/bin/pytest $(PARALLEL) --hypothesis-profile portable \
	    -k "not ($(BUT_OF_KERNELS))" $(OF_KERNELS:%=tests/%); \
	done

test-arm: build  ## compile the kernels for ARM64, and run their tests in an emulator; needs Debian's packages
	@{ echo numpy; $(call required,["build-system"]["requires"]); $(call required,["project"]["optional-dependencies"]["test"]); } \
	  | tests/arm.sh $(PY)

# Every loop is shared by threads there, as short as it is. Sizes are drawn at random for minutes afterwards, so that the
# tests draw fewer.
test-sanitize: $(call extras,test) build  ## find memory faults, undefined arithmetic and races in the kernels; needs GCC
	@$(call sanitized,address,address$(,)undefined -fno-sanitize-recover=all,libasan.so libubsan.so,not ($(BUT_OF_SANITIZERS)))
	@LDFLAGS=-Wl,--wrap=GOMP_barrier; export LDFLAGS; $(call sanitized,thread,thread,libtsan.so,threads and not ($(BUT_OF_SANITIZERS)))

package: $(call extras,package)  ## build dist/: the sdist, the wheel without kernels, and one for CPUs such as NNLITE_ARCH=x86-64-v3
	@echo "Building the sdist in dist/ and, from it, two wheels: compiled for $(WHEEL_ARCH), and without kernels ..."
	@rm -rf dist build/wheel
	@$(UV) build --quiet --sdist --python $(PY)
	@NNLITE_PURE=1 $(UV) build --quiet --wheel --python $(PY) --out-dir dist dist/*.tar.gz
	@NNLITE_ARCH=$(WHEEL_ARCH) $(UV) build --quiet --wheel --python $(PY) --out-dir build/wheel dist/*.tar.gz
	@case $$(uname -s) in Linux) $(PY) wheels/repair.py build/wheel/*.whl dist;; *) mv build/wheel/*.whl dist;; esac
	@$(PY) -m twine --no-color check --strict dist/*

# Both are built from the sdist, which `make test-oldest` installs.
test-package: package  ## install both wheels into fresh environments, as pip chooses, and use them there
	@$(call fresh_environment,$(PY)); echo "Installing the wheel with kernels ..."; \
	$(UV) pip install --quiet pip; "$$folder/venv/bin/pip" install --quiet "$$(ls dist/*.whl | grep -v any.whl)"; \
	$(call smoke,compiled); \
	$(UV) pip install --quiet --requirement pyproject.toml --extra test --extra cli; \
	$(call use_package,$(USE_COMPILED),$(BUT_OF_KERNELS),--hypothesis-profile portable)
	@$(call fresh_environment,$(PY)); echo "Installing the wheel without kernels ..."; \
	$(UV) pip install --quiet pip "$$(ls dist/*any.whl)[all,test]"; $(call smoke,reference); \
	$(call use_package,$(USE_PURE),pytorch or $(OF_PYTHON))

# The oldest compile, too: from the sdist, as what they leave in build/ is not for this checkout.
test-oldest: $(call extras,package)  ## install the sdist on the oldest versions that pyproject.toml allows, and use it there
	@rm -f dist/*.tar.gz
	@$(UV) build --quiet --sdist --python $(PY)
	@echo "Compiling on the oldest versions ..."
	@$(call fresh_environment,3.11); \
	$(call required,["build-system"]["requires"]) | $(UV) pip install --quiet --resolution lowest-direct --requirement -; \
	$(UV) pip install --quiet --resolution lowest-direct --requirement pyproject.toml --extra test --extra all; \
	$(UV) pip install --quiet pip; \
	$(UV) pip install --quiet --no-build-isolation --no-deps dist/*.tar.gz; \
	$(call use_package,$(USE_OLDEST),$(BUT_OF_OLDEST),-W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning)

mutants: build $(call extras,$(EXTRAS))  ## change the code in 300 places, one by one, each of which the tests have to notice
	@$(PY) tests/mutants --number $(N) $(SEED:%=--seed %) $(MINUTES:%=--minutes %) $(SINCE:%=--since %) $(RESUME:%=--resume)

lint: $(call extras,lint)  ## check style and types: ruff and mypy for Python, cython-lint for the kernels
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@PATH="$(abspath $(VENV))/bin:$$PATH" cython-lint csrc nnlite/ladder
	@$(PY) -m mypy

bench: build $(call extras,test bench ladder)  ## measure the kernels; saves JSON under .benchmarks/
	@$(PY) -m pytest bench --benchmark-autosave --benchmark-max-time 0.2 --benchmark-min-rounds 3

bench-compare: build $(call extras,test bench peers ladder)  ## measure beside PyTorch and others: a quarter of an hour
	@$(PY) -m bench.compare $(WORDS)

docs: build $(call extras,test docs keras onnx mpi)  ## build the pages in docs/, which are executed meanwhile: a minute or two
	@echo "Building the documentation: its pages train networks meanwhile ..."
	@$(PY) -m sphinx -W --keep-going --quiet -b html -d docs/_build/doctrees docs docs/_build/html
	@$(PY) -m pytest -q -p no:benchmark tests/built_pages.py
	@echo "Done. Open docs/_build/html/index.html"

clean:  ## remove .venv and all that was compiled; runs/ stays
	rm -rf $(VENV) build docs/_build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .benchmarks
	rm -f nnlite/kernels/*.so nnlite/kernels/*.pyd
	find nnlite tests bench -name __pycache__ -prune -exec rm -rf {} +

# The steps behind them.

# Kernels with the sanitizers $(2) in build/sanitize-$(1), whose libraries $(3) come first in the process. Python is not
# compiled with them: what it leaves to the end of the process is no leak. setarch lets memory begin at fixed places, as ThreadSanitizer needs.
, := ,
sanitized = set -e; build=build/sanitize-$(1); echo "Compiling the kernels with -fsanitize=$(2) ..."; \
	NNLITE_DEBUG=1 CFLAGS="-fsanitize=$(2) -DSERIAL_WORK=0" \
	  $(PY) setup.py --quiet build --build-lib $$build --build-temp $$build-temp; \
	in_them="setarch -R env -u CI PYTHONSAFEPATH=1 PYTHONPATH=$$PWD/$$build:$$PWD/tests TSAN_OPTIONS=halt_on_error=1"; \
	in_them="$$in_them ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1"; \
	in_them="$$in_them LD_PRELOAD=$$(echo $(foreach library,$(3),$$($${CC:-gcc} -print-file-name=$(library))) | tr ' ' :)"; \
	$$in_them $(VENV)/bin/pytest $(PARALLEL) --hypothesis-profile portable -k "$(4)" tests/kernels tests/layers tests/test_kernels.py tests/test_doors.py; \
	$$in_them $(PY) tests/door_fuzz.py $(FUZZ)

# An environment outside of the checkout for the Python $(1). uv installs into it from here on.
fresh_environment = set -e; echo "Making a fresh environment ..."; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(UV) venv --quiet --python $(1) "$$folder/venv"; export VIRTUAL_ENV="$$folder/venv"

# Tests $(1) that run there, but for $(2), with options $(3), where `import nnlite` cannot find the checkout. CI would have
# them fail without PyTorch.
use_package = (cd "$$folder"; exec env -u CI -u PYTHONPATH venv/bin/pytest $(PARALLEL) -k "not ($(2))" \
	-c "$(CURDIR)/pyproject.toml" --rootdir "$(CURDIR)" $(1:%="$(CURDIR)"/tests/%) $(3))

# The first minutes with what is installed there, on the backend $(1).
smoke = env -u PYTHONPATH "$$folder/venv/bin/python" tests/smoke.py $(1)

# What pyproject.toml requires at a place, one package a line.
required = $(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))$(1), sep="\n")'

# pip would fetch Cython for each build anew, and compile everything: half a minute. With Cython in .venv a change in
# csrc/ costs the seconds that the compiler takes for what depends on it.
# --no-compile: Python compiles a module when it is first imported. pip would compile each, and take three times as long.
$(VENV)/installed: setup.py pyproject.toml | $(PY)
	@echo "Installing what nnlite needs into $(VENV), and compiling the kernels ..."
	@$(call required,["build-system"]["requires"]) > $@
	@$(PIP) install --no-compile --requirement $@
	@$(PIP) install --no-compile --no-build-isolation --editable '.[$(PARTS)]'

$(VENV)/compiled: $(VENV)/installed $(wildcard csrc/*) nnlite/kernels/host.pxd
	@$(PY) setup.py --quiet build_ext --inplace
	@touch $@

$(VENV)/extra-%: pyproject.toml | $(PY)
	@echo "Installing what '$*' needs into $(VENV) ..."
	@$(call required,["project"]["optional-dependencies"]["$*"]) > $@
	@$(PIP) install --no-compile --requirement $@

# Three things have to be on the machine; better one clear line than a page of a compiler's.
$(PY):
	@command -v $(PYTHON) > /dev/null || { \
	  echo "nnlite needs Python 3.11 or newer, and there is no $(PYTHON). Install it, or say where it is: make PYTHON=..."; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "nnlite needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; } >&2
	@cc=$${CC:-$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')}; \
	  command -v $${cc%% *} > /dev/null || { \
	  echo "nnlite compiles its kernels, and there is no C compiler '$${cc%% *}'. Install one (Debian, Ubuntu: apt install gcc;" \
	       "Fedora: dnf install gcc; macOS: xcode-select --install;" \
	       "Windows: wsl --install, and there as on Ubuntu), or name yours: make CC=clang"; exit 1; } >&2
	@test -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { \
	  echo "nnlite compiles its kernels, and $(PYTHON) lacks its C headers. Install them (Debian, Ubuntu: apt install python3-dev;" \
	       "Fedora: dnf install python3-devel)"; exit 1; } >&2
	@echo "Making a virtual environment in $(VENV) ..."
	@rm -f $(VENV)/installed $(VENV)/compiled $(VENV)/extra-*
	@$(PYTHON) -m venv $(VENV) || { rm -f $@; exit 1; }
