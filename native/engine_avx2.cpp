// The same engine compiled for AVX2, with hand-written inner loops where they pay. Both give equal bits: no multiplication
// is contracted with an addition in either, and every hand-written loop does the arithmetic of its plain twin.
#define COVARY_ENGINE avx2
#define COVARY_ENGINE_AVX2 1
#include "engine/engine.inl"
