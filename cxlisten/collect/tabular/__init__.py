"""Files of posts, CSV and JSON: how one is written, its records, which column is what, a record as a post."""
