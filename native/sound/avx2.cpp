// The same loops compiled for AVX2. Both give equal bits.
#define COVARY_ENGINE avx2
#include "draw.inl"
#include "limiter.inl"
#include "loops.inl"
