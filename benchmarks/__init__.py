"""Speed of covary beside its peers, each suite in one run on one machine.

python -m benchmarks                        all suites
python -m benchmarks.pipelines              one suite
"""

import os

# Before NumPy, OpenCV or torch are imported, or they start their pools of threads.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_name] = "1"
# Albumentations otherwise asks the network for a newer version when it is imported.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
