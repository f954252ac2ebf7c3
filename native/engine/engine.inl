// The engine, compiled once per instruction set into its own namespace, so that no function of one set is linked into
// the other. The parts build on each other from top to bottom.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(COVARY_ENGINE_AVX2)
#include <immintrin.h>
#endif

#include "../philox.hpp"
#include "../processor.hpp"
#include "../program.hpp"
#include "../tables.hpp"

#define COVARY_RESTRICT __restrict__
// For what must become part of a hot loop: in a file as large as this one the compiler's own budget for it runs out.
#define COVARY_INLINE inline __attribute__((always_inline))

#include "numbers.inl"
#include "borders.inl"
#include "geometry.inl"
#include "registers.inl"
#include "writer.inl"
#include "planes.inl"
#include "mixing.inl"
#include "noise.inl"
#include "signal_noise.inl"
#include "values.inl"
#include "shuffles.inl"
#include "tiles.inl"
#include "nearest.inl"
#include "copies.inl"
#include "levels.inl"
#include "taps.inl"
#include "fetch.inl"
#include "separable.inl"
#include "scaled_pixels.inl"
#include "sampled_pixels.inl"
#include "filters.inl"
#include "fixed.inl"
#include "rows.inl"
#include "selections.inl"
#include "words.inl"
#include "mixtures.inl"
#include "look_ups.inl"
#include "erasures.inl"
#include "stage.inl"
