"""What of Reddit is more than asking for it: its items, live, in feeds and in exports."""
