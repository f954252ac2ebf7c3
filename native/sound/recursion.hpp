// Recursive filters in double precision: to the bit what SciPy's `sosfilt` gives.
#pragma once

#include <cstdint>

namespace covary {

// `count` sections of b0, b1, b2, a0, a1, a2, a0 being 1, over one row of samples, from rest.
template <class Out>
void recurse(const float* wave, std::int64_t length, const double* sections, std::int64_t count, Out* out);

// The sum of the squares of what the cascade makes of a row, between each two neighbours of the `stretches` + 1 ascending edges.
void recursed_energy(const float* wave, const double* sections, std::int64_t count, const std::int64_t* edges, std::int64_t stretches, double* energies);

}  // namespace covary
