"""How long to look for faults: ``ASL_FUZZ=long`` looks at a hundred times as many files.

In the profile of CI the files are the same every time, so that a change of the code is all that can
make a test fail.
"""

import os

from hypothesis import HealthCheck, settings
from readers import LIMIT_S

# The folder of a test is used for all its files.
_OURS = {
    "deadline": 1000 * LIMIT_S,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("ci", max_examples=200, derandomize=True, **_OURS)
settings.register_profile("long", max_examples=20_000, print_blob=True, **_OURS)
settings.load_profile(os.environ.get("ASL_FUZZ", "ci"))
