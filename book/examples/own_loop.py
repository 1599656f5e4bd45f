"""Train your own way, on the paper's training sets."""

import sys

from sklearn.linear_model import RidgeClassifier

from mer_utils import datasets, metrics, protocol, views

data = datasets.Casme2(sys.argv[1])
shown = views.make(data, image_size=32)
for fold in protocol.loso(data.clips()):
    # or "single", "matched single", "aligned"
    x, y = shown.training_set(fold, "dual")
    x_test, y_test = shown.test_set(fold)
    model = RidgeClassifier().fit(x.reshape(len(x), -1), y)
    found = model.predict(x_test.reshape(len(x_test), -1))
    print(fold.held_out, metrics.scores(y_test, found, 5))
