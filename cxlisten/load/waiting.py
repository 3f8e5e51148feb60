"""Waiting files: each that has no marker yet is brought into the store, in the order in which it was landed."""

from collections import Counter
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq

from cxlisten.landing import Landing, read_header
from cxlisten.landing.checked import CHECKED
from cxlisten.landing.rows import RAW
from cxlisten.load import load_batch, loaded_batches
from cxlisten.load.readings import load_readings
from cxlisten.load.rechecks import load_checks
from cxlisten.store import Connection


def load_waiting(con: Connection, landing: Landing, tags_schema: pa.Schema) -> Counter[str]:
    """Load what is classified, what another recipe has read and what platforms answered; give what came of it.

    `tags_schema` is that of classified files.
    """
    totals = Counter(n_batches=0, n_new=0, n_known=0, n_rejected=0, n_unmatched=0, n_gone=0, n_reread=0)
    done = loaded_batches(con)
    for path in landing.classified_files():
        batch_id = landing.batch_id(path)
        if batch_id in done:
            continue
        raw, tags = pq.read_table(path, schema=RAW), pq.read_table(landing.counterpart(path), schema=tags_schema)
        loaded = load_batch(con, batch_id, read_header(path), raw, tags)
        if loaded:
            totals.update(n_batches=1, **asdict(loaded))
    for path in landing.reclassified_files():
        batch_id = landing.reclassified_id(path)
        if batch_id not in done:
            totals["n_reread"] += load_readings(con, batch_id, pq.read_table(path))
    for path in landing.checked_files():
        batch_id = landing.checked_id(path)
        if batch_id not in done:
            rows = pq.read_table(path, schema=CHECKED)
            totals["n_gone"] += load_checks(con, batch_id, path.parent.name, rows)
    return totals
