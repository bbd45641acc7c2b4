"""The layer operations: forward and backward pairs, each with its definition."""
