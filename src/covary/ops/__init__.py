"""What can happen: operations describe changes; they touch no pixels and no labels."""
