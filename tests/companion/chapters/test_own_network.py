"""A network that a reader registers is in every table, chapter and piece of evidence."""

from __future__ import annotations

from helpers import registered

from companion import claims
from companion.chapters import all_results, errors, summary, tables
from mer_utils.models import MODELS, Architecture

SEVENTH = Architecture("seventh", "Seventh")


def test_a_seventh_network_shows_up_everywhere(filled):
    with registered(MODELS, SEVENTH):
        workspace = filled("table2")
        main = tables.read(workspace, "table2")
        assert "Seventh" in set(tables.wide(main)["model"])
        assert "Seventh" in set(tables.wide_differences(main)["model"])
        assert tables.quoted(main)["n_differences"] == 14
        assert summary.words(workspace, main)["networks"] == "7 networks"
        scores = all_results.scores({"table2": main})
        assert "Seventh" in set(all_results.wide(scores)["model"])
        classes = list(workspace.clips("casme2")["label"].cat.categories)
        assert "seventh" in set(errors.by_class(main.predictions, "casme2", classes)["model"])
        assert "Seventh\ndual" in errors.confusions(main.predictions, "casme2")
        evidence = claims.evidence(workspace)
        compared = evidence[evidence["model"].eq("seventh") & evidence["table"].eq("table2")]
        assert len(compared) == 2 * 3 * 3  # data sets, comparisons, scores
        assert (compared["missing_folds"] == 0).all()
