"""What is to be asked of a platform about stored posts, and its answer on one of them as a row of a checked file."""

from dataclasses import dataclass

import pyarrow as pa

# A state is null where the post is alive, `unknown_gone` where it was absent, `expired` where nobody could be asked in
# time. There is no native_id: it can hold an author's name, and these files outlive the posts.
CHECKED = pa.schema(
    [
        ("post_id", pa.int64()),
        ("platform", pa.string()),
        ("checked_at", pa.timestamp("us")),  # naive UTC, as in the store
        ("state", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Due:
    """A stored post that is to be asked for again; `is_missed` says that it was absent the last time."""

    post_id: int
    platform: str
    native_id: str
    is_missed: bool
