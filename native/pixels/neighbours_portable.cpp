// The filters of neighbours in plain C++, for every machine.
#define COVARY_ENGINE portable
#include "neighbours.inl"
