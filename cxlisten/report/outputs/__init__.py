"""The report channels, one file each: a file here is a channel of its name, for `channels = ["NAME"]` in `[[report]]`.

It has a docstring, `SUFFIX = ".txt"` (how the files that it makes end) and `def render(report: Report) -> str`, a pure
function: the same report gives the same text, and nothing is written or sent. An HTML page quotes a post in
`<blockquote data-post="{{ post.post_id }}">`, by which the quote is found when the post is taken back. It needs no test
of its own to start with: `pytest tests/contracts/test_outputs.py` finds it and says what it misses.
"""
