"""init, demo, up and doctor: from an empty folder to a first report, to Airflow, and what to do when it does not go."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from cxlisten import pipeline
from cxlisten.cli.airflow import run_dags
from cxlisten.cli.console import config_option, follow_progress, state_option, talk
from cxlisten.cli.doctor import examine
from cxlisten.cli.servers import serve
from cxlisten.cli.verbs import show_rings
from cxlisten.collect import source_class
from cxlisten.config import CONFIG_NAME, demo_state
from cxlisten.demo import make_demo, make_listening, make_starter


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--source", "kinds", multiple=True, help="Listen on this platform; can be given several times.")
@click.option("--brand", default="Firefox", show_default=True, help="With --source: whom to listen for.")
def init(folder: Path, kinds: tuple[str, ...], brand: str) -> None:
    """Write a commented cxlisten.toml into FOLDER (here, by default) that runs as it is, with a few posts to try.

    With --source it listens for BRAND instead; hackernews, mastodon, bluesky, lemmy and rss need no account.
    """
    if kinds:
        classes = {kind: source_class(kind) for kind in kinds}
        written = [make_listening(folder, brand, {kind: cls.starter for kind, cls in classes.items()})]
        needed = [name for cls in classes.values() if cls.caps.needs_auth for name in cls.secrets]
    else:
        written, needed = make_starter(folder, datetime.now(UTC).date()), []
    for path in written:
        talk.print(f"wrote {path}")
    if needed:
        talk.print(f"Set {', '.join(needed)} in the environment; cxlisten doctor  says whether they work")
    talk.print("Now:  cxlisten run" + ("" if folder == Path() else f" --config {folder / CONFIG_NAME}"))


@click.command()
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=demo_state,
    help="The folder of all state. Default: CXLISTEN_HOME, else ./.cxlisten/demo",
)
def demo(state: Path) -> None:
    """Run the Airflow DAGs on twelve weeks of posts on four invented brands, then print what they say."""
    follow_progress()
    done = run_dags(make_demo(state, datetime.now(UTC).date()), state)
    show_rings([result["report"] for dag, result in done.items() if dag.startswith("report__")])
    talk.print(f"{done['process']['load']['n_new']} new posts in this run; all of it is in {state}")
    talk.print(f"Go on with  {sys.argv[0]} trend ring_weekly --state {state}")


@click.command()
@config_option
@state_option
@click.option("--port", default=8080, show_default=True, help="Where Airflow's pages are, on this machine only.")
def up(config: Path, state: Path, port: int) -> None:
    """Run Airflow here with the DAGs of the config, until Ctrl-C; without a cxlisten.toml, with those of the demo."""
    if config == Path(CONFIG_NAME) and not config.exists():
        state = demo_state()
        config = make_demo(state, datetime.now(UTC).date())
        talk.print("There is no cxlisten.toml here: this is the demo")
    pipeline.open_project(config, state)
    serve(config, state, port)


@click.command()
@config_option
@state_option
def doctor(config: Path, state: Path) -> None:
    """Say what is in order and what is not, and what to do about it; exits with 2 when there is a problem."""
    n_problems = 0
    for finding in examine(config, state):
        click.echo(f"{finding.state:<8} {finding.message}")
        n_problems += finding.state == "problem"
    if n_problems:
        raise click.exceptions.Exit(2)
