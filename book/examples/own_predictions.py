"""Compare two systems by their predictions alone."""

import sys

import pandas as pd

from mer_utils import stats

# setting, subject, clip, y_true, y_pred
predictions = pd.read_csv(sys.argv[1])
compared = stats.compare(predictions, "baseline", "treatment")
shown = ["metric", "difference", "low", "high", "p_bootstrap"]
print(compared[shown].to_string(index=False))
