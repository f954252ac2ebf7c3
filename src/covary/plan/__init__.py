"""What happens to a sample, as plain data: kinds of change, and the rules by which neighbours fuse."""
