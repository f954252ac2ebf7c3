"""The kinds of data sets that an expansion reads and writes: one module each."""
