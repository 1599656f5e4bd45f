"""Compare two systems by their predictions alone, with the book's statistics."""

import sys

import pandas as pd

from mer_utils import stats

predictions = pd.read_csv(sys.argv[1])  # setting, subject, clip, y_true, y_pred
compared = stats.compare(predictions, "baseline", "treatment")
print(compared[["metric", "difference", "low", "high", "p_bootstrap"]].to_string(index=False))
