"""Exercises, and the classic mistakes that tell whether a check is worth anything."""
