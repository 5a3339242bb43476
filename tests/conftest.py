"""What every test runs under: one thread to a worker, and the same examples of Hypothesis on every machine."""

import os

from hypothesis import settings

# Workers take a core each; were every one's matrix products to take all cores, they would wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A push is judged on the same examples every time; HYPOTHESIS_PROFILE=explore draws new ones.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
