#!/usr/bin/env bash
# Builds the kernels with the address and undefined-behaviour sanitizers and runs the native renderer's tests and a fuzz on
# them. Ends with an error at the first finding. Takes about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

python="$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')"
build="${COVARY_SANITIZE_BUILD:-build/sanitize}"
path="$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))'):$PATH"

PATH="$path" cmake -S . -B "$build" -G Ninja -DCOVARY_SANITIZE=ON -DPython_EXECUTABLE="$python" >/dev/null
PATH="$path" cmake --build "$build" >/dev/null

# A package folder of its own: the sources, with the instrumented module in place of the installed one.
package="$build/package"
rm -rf "$package"
mkdir -p "$package"
cp -r src/covary "$package/covary"
rm -f "$package"/covary/_native*.so
cp "$build"/_native*.so "$package/covary/"

compiler="${CXX:-c++}"
# libstdc++ comes along, so that exceptions are seen.
preload="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libubsan.so)"
preload="$preload $("$compiler" -print-file-name=libstdc++.so)"
run() {
  # Python itself frees little at its end: leaks are not looked for. Its allocator would hide overruns.
  env LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    PYTHONMALLOC=malloc PYTHONPATH="$package" COVARY_SANITIZE_BUILD= "$@"
}

run "$python" -c 'from covary import _native; print("instrumented:", _native.__file__)'
run "$python" -m pytest -q -p no:cacheprovider tests/render/test_native.py tests/render/test_buffers.py
run "$python" tests/fuzz_native.py --seconds "${COVARY_FUZZ_SECONDS:-40}"
