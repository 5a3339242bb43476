"""What every test runs under: Hypothesis draws the same examples on every machine."""

import os

from hypothesis import settings

# A push is judged on the same examples every time; HYPOTHESIS_PROFILE=explore draws new ones.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
