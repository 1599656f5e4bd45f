"""Read a data set of one's own, here the twin of CASME II once more."""

import os
import re
from dataclasses import dataclass

from mer_utils import datasets, experiments

words = datasets.Casme2.published.emotions  # clips per emotion word
labels = {"mine": {"happiness": "good", "disgust": "bad"}}
two = datasets.Scheme("mine-2", "two classes", ("bad", "good"), labels)
datasets.SCHEMES.register(two)


@datasets.DATASETS.register
@dataclass(frozen=True)
class Mine(datasets.Coded):
    """A sheet, and a folder of frames per clip."""

    name, title, sheet_name = "mine", "My data set", "coding.xlsx"
    subject_format, clip_pattern = "sub{:02d}", re.compile("EP")
    published = datasets.Published(words, fps=200.0, scheme="mine-2")


twin = experiments.open_workspace("smoke", datasets=["casme2"])
os.environ["MER_MINE_ROOT"] = str(twin.data["casme2"].dataset.root)
workspace = experiments.open_workspace("smoke", datasets=["mine"])
print(workspace.clips("mine")["label"].value_counts().to_dict())
