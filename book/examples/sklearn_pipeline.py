"""Dynamic images in a scikit-learn pipeline."""

import sys

from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mer_utils import datasets, metrics
from mer_utils.views.estimator import PhaseDynamicImages

clips = datasets.Casme2(sys.argv[1]).clips()
model = make_pipeline(PhaseDynamicImages("full"), StandardScaler(), SVC())
y, subjects = clips["label"].cat.codes, clips["subject"]
loso = LeaveOneGroupOut()
found = cross_val_predict(model, clips, y, groups=subjects, cv=loso)
print(metrics.scores(y, found, 5))
