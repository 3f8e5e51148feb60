"""What only the stages can judge of a config: its queries and names of brands, and that all else it names exists."""

from cxlisten import query as querying
from cxlisten.classify import recipe_names
from cxlisten.classify.brands import brands_of
from cxlisten.collect import load_source
from cxlisten.config import Settings
from cxlisten.errors import ConfigError, InputError, QueryError


def _query_problems(settings: Settings) -> list[str]:
    problems = []
    for query in settings.queries:
        try:
            querying.compile(query.terms)
        except QueryError as error:
            problems.append(f'query "{query.name}": terms: {error}')
    return problems


def _brand_problems(settings: Settings) -> list[str]:
    try:
        brands_of(settings.queries)
    except InputError as error:
        return [f"query: {error}"]
    return []


def _source_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    for source in settings.sources:
        try:
            caps = load_source(source.name, source.kind, source.options).caps
        except ConfigError as error:
            problems += error.problems
            continue
        if caps.unit_cost and source.monthly_budget is None:
            problems.append(
                f'source "{source.name}": {source.kind} costs {caps.unit_cost:g} dollars a post:'
                " say how much a month, as in  monthly_budget = 25"
            )
    return problems


def _recipe_problems(settings: Settings) -> list[str]:
    if settings.recipe in (None, *recipe_names()):
        return []
    return [f'classify: recipe: there is no recipe "{settings.recipe}"; there is {", ".join(recipe_names())}']


def _channel_problems(settings: Settings) -> list[str]:
    from cxlisten.report import channel_names

    return [
        f'report "{report.name}": channels: unknown channel "{channel}"; there is {", ".join(channel_names())}'
        for report in settings.reports
        for channel in report.channels
        if channel not in channel_names()
    ]


CHECKS = (_query_problems, _brand_problems, _source_problems, _channel_problems, _recipe_problems)
