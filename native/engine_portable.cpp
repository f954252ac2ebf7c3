// The engine in plain C++, for every machine.
#define COVARY_ENGINE portable
#include "engine/engine.inl"
