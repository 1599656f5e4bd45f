"""The words for training sets, used in code, columns and captions alike."""

from __future__ import annotations

import pandas as pd

SETTINGS: dict[str, tuple[str, ...]] = {
    "single": ("full",),
    "matched single": ("full", "full", "full"),
    "dual": ("full", "onset_apex", "apex_offset"),
}

#: Further training sets, of table 4: which phases train.
PHASE_SETTINGS: dict[str, tuple[str, ...]] = {
    "onset_apex only": ("onset_apex",),
    "apex_offset only": ("apex_offset",),
    "single twice": ("full", "full"),
    "halves": ("onset_apex", "apex_offset"),
}

_WORDS = {"+".join(views): word for word, views in (SETTINGS | PHASE_SETTINGS).items()}

#: The control of each training set: as many training images, none of them new.
CONTROLS = {
    "onset_apex only": "single",
    "apex_offset only": "single",
    "halves": "single twice",
    "dual": "matched single",
}


def add_setting(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``setting``: the word for each row's ``train_views``.

    Examples
    --------
    >>> add_setting(pd.DataFrame({"train_views": ["full", "full+full+full"]}))["setting"].tolist()
    ['single', 'matched single']
    """
    return predictions.assign(
        setting=predictions["train_views"].map(lambda views: _WORDS.get(views, views))
    )
