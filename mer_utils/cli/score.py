"""The command for predictions that were made anywhere: ``mer score``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from mer_utils.cli.data import FORMATS, show_problems
from mer_utils.cli.experiments import print_whole
from mer_utils.datasets import Problem, in_order, to_json, worst
from mer_utils.errors import MerError
from mer_utils.files import atomic_write
from mer_utils.registry import unknown

if TYPE_CHECKING:
    from mer_utils.experiments import Scorecard

commands = typer.Typer()

_MANY = "may be repeated"


@commands.command()
def score(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="CSV, Excel or Parquet: clip, y_true, y_pred or p_...; best, subject; "
            "none, with --store, for its runs alone"
        ),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            help=f"column that tells systems apart; default: system, or the file; {_MANY}"
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help=f"where titles differ: FIELD=COLUMN, as in y_true=emotion; {_MANY}"),
    ] = None,
    classes: Annotated[
        str, typer.Option(help="names of the classes 0, 1, ...: negative,positive,surprise")
    ] = "",
    baseline: Annotated[
        str | None, typer.Option(help="what the others are compared with; default: the first")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="a store of predictions, to compare with its runs")
    ] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help=f"runs of the store: COLUMN=VALUE, as in model=learnet; {_MANY}"
        ),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="also score the averages over each system's seeds")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="also write it as one page of HTML")] = None,
    output: Annotated[str, typer.Option("--format", help="table or json")] = "table",
) -> None:
    """Score predictions of your own: intervals, confusions, chance, paired comparisons."""
    # Statistics and figures take a while to import, and few commands need them.
    from mer_utils.experiments import Scorecard

    if output not in FORMATS:
        raise unknown("format", output, FORMATS)
    if chosen and store is None:
        raise MerError(
            "invalid option", "--with without --store", "runs of a store", "name it with --store"
        )
    names = [name.strip() for name in classes.split(",") if name.strip()]
    files = files or []
    rows, problems = _read(files, system or (), column or (), names, store, chosen or (), ensemble)
    if worst(problems) == "error":
        _say(problems, output, files)
        raise typer.Exit(1)
    numbers = all(map(str.isdigit, rows["y_true"].cat.categories))
    several = len(set(rows["dataset"])) > 1 and not (names or numbers)
    card = Scorecard(rows, baseline, own_classes=several)
    problems = in_order([*problems, *card.problems])
    if html is not None:
        from mer_utils.plotting.score_page import score_page

        with atomic_write(html) as temporary:
            temporary.write_text(score_page(card, problems, [f.name for f in files]), "utf-8")
    if output == "json":
        typer.echo(to_json(problems, **_as_json(card)))
        return
    _show(card)
    _say(problems, output, files)
    if html is not None:
        typer.echo(f"Wrote {html}.")


def _read(
    files: list[Path],
    system: Sequence[str],
    column: Sequence[str],
    names: list[str],
    store: Path | None,
    chosen: Sequence[str],
    ensemble: bool,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the predictions of the files, of a store's runs, or of both on the clips they share.

    With a problem that is an error among them, the store was not asked.
    """
    from mer_utils.datasets.schemes import own_classes
    from mer_utils.experiments import read_predictions
    from mer_utils.experiments.own_predictions import few_systems, join, of_store
    from mer_utils.runs import RunStore

    def classed(rows: pd.DataFrame, order: list[str]) -> pd.DataFrame:
        return rows.astype({side: pd.CategoricalDtype(order) for side in ("y_true", "y_pred")})

    if not files:
        if store is None:
            raise MerError(
                "invalid option",
                "neither a file nor a store of predictions is named",
                "one of them at least",
                "name a file, or a store with --store",
            )
        known = of_store(RunStore(store), chosen, ensemble=ensemble, own=names)
        rows = few_systems(known)
        order = known.attrs["classes"] or sorted({*rows["y_true"], *rows["y_pred"]})
        return classed(rows, order), []
    rows, problems = read_predictions(files, system, column, names, ensemble=ensemble)
    if store is None or worst(problems) == "error":
        return rows, problems
    own = names or own_classes(rows["y_true"])
    known = of_store(RunStore(store), chosen, ensemble=ensemble, own=own)
    rows, more = join(rows, known)
    if (rows["subject"] != "").all():  # the store knew them
        problems = [problem for problem in problems if problem.kind != "unknown subjects"]
    theirs = few_systems(known[known["dataset"].isin(set(rows["dataset"]))])
    order = list(rows["y_true"].cat.categories)
    rows = pd.concat([rows.astype({"y_true": str, "y_pred": str}), theirs], ignore_index=True)
    return classed(rows, order), problems + more


def _say(problems: list[Problem], output: str, files: list[Path]) -> None:
    if output == "json":
        typer.echo(to_json(problems))
    elif problems:
        show_problems(in_order(problems), f"to know about {', '.join(f.name for f in files)}")


def _as_json(card: Scorecard) -> dict[str, Any]:
    def records(frame: pd.DataFrame) -> Any:
        return json.loads(frame.to_json(orient="records", double_precision=15))

    matrices = [
        {"dataset": d, "system": s, "classes": list(m.columns), "counts": m.to_numpy().tolist()}
        for (d, s), m in card.confusions.items()
    ]
    return {
        "scores": records(card.scores),
        "confusions": matrices,
        "classes": records(card.by_class),
        "comparisons": records(card.comparisons),
    }


def _show(card: Scorecard) -> None:
    from mer_utils.plotting.score_page import comparison_rows, score_rows

    matrices = {
        f"{' on '.join(filter(None, (system, dataset)))}: true classes down": matrix.reset_index(
            names="true"
        ).assign(recall=[f"{r:.3f}" for r in recall["recall"]])
        for (dataset, system), matrix in card.confusions.items()
        for recall in [card.by_class.query("dataset == @dataset and system == @system")]
    }
    pairs = (
        {f"minus {card.base}, on shared clips": comparison_rows(card)}
        if len(card.comparisons)
        else {}
    )
    for title, frame in {
        "pooled scores, intervals of 95 %": score_rows(card),
        **pairs,
        **matrices,
    }.items():
        table = Table(title=escape(title), title_justify="left")
        for name in frame:
            words = name in ("data set", "system", "metric", "true")
            table.add_column(escape(str(name)), justify="left" if words else "right")
        for row in frame.itertuples(index=False):
            table.add_row(*(escape(str(cell)) for cell in row))
        print_whole(table)
