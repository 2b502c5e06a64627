"""Where the recorded inputs and outputs of the released code lie, when they are there."""

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="recorded outputs of the released code are not here")
TIE = 1e-5
"""Below this margin between the two best pairs the recorded order is an artefact of the library's sort."""
