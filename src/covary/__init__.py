"""covary: vary the data; the labels covary."""
