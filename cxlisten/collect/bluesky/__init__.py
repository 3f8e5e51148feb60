"""Bluesky's two ways, the stream and the search, and what a post is in either."""
