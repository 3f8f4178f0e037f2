"""The README's figures are the recorded ones."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_readme_quotes_the_recorded_accuracies():
    readme = (ROOT / "README.md").read_text()
    recorded = json.loads((ROOT / "results" / "same_signers.json").read_text())
    assert recorded["setting"]["command"] in readme
    for row in recorded["summary"].values():
        assert f"| {row['accuracy_mean']:.1f} ± {row['accuracy_sd']:.1f} % |" in readme
        assert row["n_seeds"] == 5
