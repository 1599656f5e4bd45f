"""The library behind the companion to arXiv 2510.15466, in the order data flow through it.

==============================  ========================================================
:mod:`~mer_utils.phases`         the paper's method: phases of a clip, training sets
:mod:`~mer_utils.dynamic_image`  rank pooling: weights, dynamic images (DIs)
:mod:`~mer_utils.metrics`        pooled accuracy, UF1, UAR
:mod:`~mer_utils.stats`          intervals and paired tests over subjects
:mod:`~mer_utils.protocol`       leave-one-subject-out (LOSO) folds, the leakage guard
:mod:`~mer_utils.frames`         a clip's frames: decoding, cropping, fingerprints
:mod:`~mer_utils.datasets`       one class per data set, with its clip table and its facts
:mod:`~mer_utils.synthetic`      made clips, written in the data sets' own formats
:mod:`~mer_utils.views`          DI arrays: one decode of a clip gives every phase's DI
:mod:`~mer_utils.augment`        spatial augmentation of training batches
:mod:`~mer_utils.models`         the six networks, five of them timm's, and baselines
:mod:`~mer_utils.training`       one fold: fit, predict and explain on arrays
:mod:`~mer_utils.runs`           run specifications, the prediction store, where folds run
:mod:`~mer_utils.experiments`    the tables as lists of run specifications; profiles
:mod:`~mer_utils.plotting`       arrays and results in, figures out
:mod:`~mer_utils.cli`            the command ``mer``
==============================  ========================================================

A room imports only rooms above its own line. Importing this package loads none of them.
"""

__version__ = "0.1.0"
