"""What of X is more than asking for it: its query language, and its posts in both spellings."""
