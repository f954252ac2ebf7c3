# Everything is made inside this folder: .venv (covary, tests, demo), .venv-bench (the peers), build/ and demo-output/.
# What a step needs is made first; a step whose inputs did not change is not done again.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
TEST_PROCESSES ?= 2
TEST_OPTIONS ?=
BENCH_OPTIONS ?=
EVIDENCE_OPTIONS ?=
SANITIZE_TESTS ?= tests/render/test_native.py tests/render/test_buffers.py tests/render/test_streaming.py tests/render/test_sound_kernels.py tests/render/test_direct.py tests/targets/test_boxes.py tests/text/test_plain.py tests/test_volumes.py tests/ops/test_superpixels.py tests/ops/test_weather.py tests/ops/test_quality.py tests/ops/test_filters_alike.py tests/ops/test_neighbours.py tests/ops/test_histogram.py tests/ops/test_levels_and_moments.py tests/render/test_fixed_filters.py tests/render/test_nearest.py tests/render/test_from_pixel_to_pixel.py tests/render/test_colour_matrices.py tests/render/test_values_alone.py tests/targets/test_keypoints.py tests/render/test_limiter.py
FUZZ_SECONDS ?= 40
SANITIZED = LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so) \
	$$($(CXX) -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	PYTHONMALLOC=malloc PYTHONPATH=build/sanitize/site $(BIN)/python

BIN := .venv/bin
BENCH_BIN := .venv-bench/bin
PIP_QUIET := -m pip install -qq --disable-pip-version-check
SOURCES := pyproject.toml $(shell find CMakeLists.txt native src -name __pycache__ -prune -o -print 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test bench evidence lint docs sanitize clean

help:
	@echo 'make demo      expand photographs, draw a sheet, prove a pipeline on handwritten digits, in demo-output/'
	@echo 'make test      run all tests'
	@echo 'make bench     compare the speed with Albumentations, torchvision, audiomentations and nlpaug (downloads them)'
	@echo 'make evidence  measure on three real tasks whether augmentation helps: docs/evidence.md (a quarter of an hour)'
	@echo 'make lint      ruff and mypy'
	@echo 'make sanitize  run the native kernels under the address and undefined-behaviour sanitizers'
	@echo 'make docs      make the page of every operation again, with its pictures'
	@echo 'make clean     remove all that the above have made'

install: .venv/covary.stamp

demo: .venv/covary.stamp
	@$(BIN)/python demo/run.py

test: .venv/covary.stamp .venv/tests.stamp
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) $(TEST_OPTIONS)

bench: .venv-bench/covary.stamp
	@$(BENCH_BIN)/python -m benchmarks $(BENCH_OPTIONS)

evidence: .venv/covary.stamp .venv/tests.stamp
	@$(BIN)/python -m benchmarks.evidence $(EVIDENCE_OPTIONS)

lint: .venv/covary.stamp .venv/tests.stamp
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m docs.build --check

docs: .venv/covary.stamp
	@$(BIN)/python -m docs.build

# The sanitizers' libraries come first into the process, and libstdc++ with them so that exceptions are seen; what Python
# itself never frees is no finding, and its allocator would hide overruns.
sanitize: build/sanitize.stamp .venv/tests.stamp
	@$(SANITIZED) -m pytest -q -p no:cacheprovider $(SANITIZE_TESTS)
	@$(SANITIZED) tests/fuzz_native.py --seconds $(FUZZ_SECONDS)

clean:
	@rm -rf .venv .venv-bench build dist demo-output
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Removed what make had made.'

.venv/dependencies.stamp: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'covary needs CPython 3.11 or later; name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Installing what covary needs into .venv ...'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import tomllib; \
		about = tomllib.load(open("pyproject.toml", "rb")); project = about["project"]; \
		extras = project["optional-dependencies"]; \
		print(*about["build-system"]["requires"], *project["dependencies"], *extras["demo"], sep="\n")' > .venv/requirements.txt
	@$(BIN)/python $(PIP_QUIET) -r .venv/requirements.txt cmake ninja
	@touch $@

# What the tests alone need: tools, and the frameworks and libraries that covary works with.
.venv/tests.stamp: .venv/dependencies.stamp
	@echo 'Installing what the tests need into .venv ...'
	@$(BIN)/python -c 'import tomllib; \
		extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["demo"], *extras["dev"], *extras["frameworks"], sep="\n")' > .venv/tests.txt
	@$(BIN)/python $(PIP_QUIET) -r .venv/tests.txt
	@touch $@

# One wheel is built and installed in both environments, so that tests and benchmarks see what a user would install.
build/wheel.stamp: .venv/dependencies.stamp $(SOURCES)
	@echo 'Building covary ...'
	@rm -rf build/wheel
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip wheel -qq --no-deps --no-build-isolation -w build/wheel .
	@touch $@

build/sanitize.stamp: .venv/dependencies.stamp $(SOURCES)
	@echo 'Building covary with sanitizers ...'
	@rm -rf build/sanitize/site
	@mkdir -p build/sanitize/site/covary
	@cp -r src/covary/. build/sanitize/site/covary/
	@$(BIN)/cmake -S . -B build/sanitize -G Ninja -DCMAKE_MAKE_PROGRAM="$(CURDIR)/$(BIN)/ninja" -DCOVARY_SANITIZE=ON \
		-DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" -DCMAKE_CXX_COMPILER=$(CXX) > build/sanitize.log 2>&1 \
		&& $(BIN)/cmake --build build/sanitize >> build/sanitize.log 2>&1 \
		&& $(BIN)/cmake --install build/sanitize --prefix build/sanitize/site >> build/sanitize.log 2>&1 \
		|| { cat build/sanitize.log >&2; exit 1; }
	@touch $@

.venv/covary.stamp: build/wheel.stamp
	@$(BIN)/python $(PIP_QUIET) --no-deps --force-reinstall build/wheel/*.whl
	@case "$$(echo build/wheel/*.whl)" in \
		*-none-any.whl) echo 'covary is installed without its native kernels, which could not be built: is there a C++ compiler?';; \
		*) echo 'covary is installed in .venv.';; esac
	@touch $@

.venv-bench/peers.stamp: .venv/dependencies.stamp benchmarks/requirements.txt
	@echo 'Installing the peers into .venv-bench ...'
	@$(PYTHON) -m venv .venv-bench
	@grep -v -e '^torchvision' benchmarks/requirements.txt | $(BENCH_BIN)/python $(PIP_QUIET) -r /dev/stdin
	@$(BENCH_BIN)/python $(PIP_QUIET) --no-deps $$(grep -e '^torchvision' benchmarks/requirements.txt) \
		|| echo 'torchvision could not be installed; its column will say so.'
	@touch $@

.venv-bench/covary.stamp: .venv-bench/peers.stamp build/wheel.stamp
	@$(BENCH_BIN)/python $(PIP_QUIET) build/wheel/*.whl
	@$(BENCH_BIN)/python $(PIP_QUIET) --no-deps --force-reinstall build/wheel/*.whl
	@touch $@
