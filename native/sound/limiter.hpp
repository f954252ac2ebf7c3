// A limiter that looks ahead. In portable C++ and for AVX2, with equal bits.
#pragma once

#include <cstdint>

namespace covary {

struct Limiting {
  const float* wave;  // `channels` rows of `length` samples
  std::int64_t channels, length, wave_step;
  float limit;        // above 0
  double kept;        // of what is turned down, in decibels, from each sample to the next
  std::int64_t half;  // samples either side over which the highest, and then the mean of these, is taken; from 1 on
  float* out;         // channels * length
};

namespace portable {
void limit(const Limiting& job);
}

#if defined(COVARY_AVX2)
namespace avx2 {
void limit(const Limiting& job);
}
#endif

}  // namespace covary
