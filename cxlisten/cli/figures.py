"""What `cxlisten evaluate` shows: the figures of an evaluation as tables that can be read."""

from typing import Any

import click

from cxlisten.cli.console import print_table

Figures = dict[str, Any]


def show_figures(result: Figures) -> None:
    """Print the figures with their intervals, then where the classifier errs."""
    intervals = result["intervals"]
    if "rings" in result:
        _show_rings(result)
    _show(
        "Figures",
        ["figure", "value", "95 %"],
        [[name, value, _between(intervals[name])] for name, value in result.items() if isinstance(value, float)],
    )
    if "slices" in result:
        _show(
            "Kinds of posts",
            ["slice", "posts", "ring macro-F1", "joint micro-F1"],
            [[name, row["n"], row["ring_macro_f1"], row["joint_micro_f1"]] for name, row in result["slices"].items()],
        )
    for name, table in {"overall": result["confusion"]["sentiment"], **result["confusion"].get("rings", {})}.items():
        rows = [[label, *row.values()] for label, row in table.items()]
        _show(f"Confusion: {name}", ["people say", *(f"found {label}" for label in table)], rows)
    if "calibration" in result:
        _show(
            "Reliability of the scores",
            ["ring", "score", "tags", "mean score", "right"],
            [
                [ring, f"{band['from']:.1f} to {band['to']:.1f}", band["n"], band["score"], band["right"]]
                for ring, row in result["calibration"].items()
                for band in row["bands"]
            ],
        )


def _show_rings(result: Figures) -> None:
    off = {ring: row["ece"] for ring, row in result["calibration"].items()}
    rows = [
        [
            ring,
            r["f1"],
            _between(result["intervals"]["rings"][ring]),
            r["precision"],
            r["recall"],
            r["n"],
            off.get(ring),
        ]
        for ring, r in result["rings"].items()
    ]
    _show(
        f"Rings, {result['n']} posts", ["ring", "F1", "95 %", "precision", "recall", "posts", "calibration error"], rows
    )


def _show(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    print_table(columns, rows, title=title)
    click.echo()


def _between(interval: list[float]) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}"
