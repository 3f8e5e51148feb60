"""The shared encoder of a recipe: one network reads a post once, and every head judges what it read."""
