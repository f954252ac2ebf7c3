// The loops over sounds in plain C++, for every machine.
#define COVARY_ENGINE portable
#include "draw.inl"
#include "limiter.inl"
#include "loops.inl"
