"""Bench: measures on this machine what the README claims of speed."""
