"""Which algorithms the compiled kernels may choose from, where more than one computes the same; `kernels.using` sets it."""

allowed = {"winograd": True}
