"""bench: what this machine makes of a recipe."""

import json
from pathlib import Path
from typing import Any

import click

from cxlisten.classify import DEFAULT_RECIPE
from cxlisten.cli.console import follow_progress, print_table

_QUIET = 0.1  # cores; more than that taken, and the threads of a pipeline do little but wait for each other


@click.group()
def bench() -> None:
    """Measure on this machine what is claimed of speed."""


@bench.command()
@click.argument("recipe", default=DEFAULT_RECIPE)
@click.option(
    "--posts",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help='A JSONL file of {"text"[,"lang"]}. Default: the posts of the demo.',
)
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object.")
def classify(recipe: str, posts: Path | None, as_json: bool) -> None:
    """Measure RECIPE: its speed beside a transformers pipeline, its start, its memory, and whether order matters.

    It takes some minutes and all cores; what else runs on the machine makes it slower.
    """
    from cxlisten.bench.classify import SIZES, bench_classify

    follow_progress()
    report = bench_classify(recipe, posts, SIZES)
    if as_json:
        click.echo(json.dumps(report))
    else:
        _show(report)


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object.")
def collect(as_json: bool) -> None:
    """Measure how fast posts are fetched, mapped, matched and landed from a platform on this machine."""
    from cxlisten.bench.collect import SIZES, bench_collect

    follow_progress()
    report = bench_collect(SIZES)
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(f"{report['n']:,} posts of a platform on this machine")
    _show_machine(report["machine"])
    _show_speed({name: row | {"n": report["n"]} for name, row in report["speed"].items()}, report["rounds"])
    share = report["share"]["wall"]
    click.echo(f"\nOf what the platform gives, collect lands {share['median']:.0%}")
    _show_peaks(report["peak_mb"])


def _show(report: dict[str, Any]) -> None:
    posts = report["posts"]
    click.echo(f"{report['recipe']} {report['version']}, {posts['n']:,} posts of {posts['from']}", nl=False)
    click.echo(f", {posts['n_tokens'] / posts['n_read']:.1f} tokens each" if posts["n_tokens"] else "")
    _show_machine(report["machine"])
    _show_speed(report["speed"], report["rounds"])
    _show_ratios(report["ratio"])
    if found := report["limit"]:
        click.echo(
            f"\nA CPU second has {found['operations_per_s']['median'] / 1e9:,.0f} billion int8 operations,"
            f" a post takes {found['operations_per_post'] / 1e9:.2f} billion:"
            f" {found['reached']['median']:.0%} of the {found['posts_per_s']['median']:,.0f} posts there could be"
        )
    first = report["first_tag"]
    click.echo(f"\nFirst tag of a fresh process: {first['wall']:.2f} s, {first['cpu']:.2f} CPU s")
    _show_peaks(report["peak_mb"])
    click.echo("Posts with other labels: " + ", ".join(f"{n} {way}" for way, n in report["differing"].items()))
    for what in report["left_out"]:
        click.echo(f"Left out: {what}")


def _show_machine(machine: dict[str, Any]) -> None:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    click.echo(f"{machine['cores']} cores of {machine['cpu']} ({', '.join(machine['flags'])}), load {machine['load']}")
    click.echo(f"{machine['system']}, Python {machine['python']}, {libraries}\n")
    if (machine["others"] or 0) > _QUIET:
        click.echo(f"Other processes took {machine['others']:.1f} cores: measure again once they are done.\n")


def _show_speed(speed: dict[str, Any], rounds: int) -> None:
    print_table(
        ["way", "posts", "posts/s", "range", "posts/CPU s", "range"],
        [[name, row["n"], *_cells(row["per_s"]), *_cells(row["per_cpu_s"])] for name, row in speed.items()],
        title=f"Speed, the median of {rounds} rounds",
    )


def _show_peaks(peaks: dict[str, float]) -> None:
    click.echo("Peak memory: " + ", ".join(f"{peak:.0f} MB for {int(n):,} posts" for n, peak in peaks.items()))


def _show_ratios(ratios: dict[str, Any]) -> None:
    rows = [
        [ours, other, *_cells(found["wall"]), *_cells(found["cpu"])]
        for ours, others in ratios.items()
        for other, found in others.items()
    ]
    if rows:
        click.echo()
        print_table(
            ["way", "is faster than", "wall", "range", "CPU", "range"],
            rows,
            title="A roberta-base of random weights, which is only good to measure speed, in a transformers pipeline",
        )


def _cells(spread: dict[str, float]) -> list[float | str]:
    median, least, most = (round(spread[key]) if spread[key] >= 100 else round(spread[key], 1) for key in spread)
    return [median, f"{least} to {most}"]
