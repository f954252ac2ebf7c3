// The same filters compiled for AVX2. Both give equal bits.
#ifdef COVARY_AVX2
#define COVARY_ENGINE avx2
#include "neighbours.inl"
#endif
