"""Randomness: one row of uniforms per sample, a pure function of (seed, epoch, key, slot)."""
