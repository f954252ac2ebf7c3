"""All suites, one after another."""

import sys

from benchmarks import devices, import_time, labels, loader, offline, operations, pipelines, report, sounds, texts

SUITES = {
    "pipelines": pipelines.run,
    "operations": lambda: operations.run([]),
    "sounds": lambda: sounds.run([]),
    "texts": lambda: texts.run([]),
    "labels": labels.run,
    "loader": loader.run,
    "devices": devices.run_on_gpu,
    "offline": offline.run,
    "import_time": import_time.main,
}


def main() -> None:
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if unknown:
        sys.exit(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    report.print_machine()
    for name in sys.argv[1:] or SUITES:
        SUITES[name]()


if __name__ == "__main__":
    main()
