// Loops over sounds: filters by blocks of a Fourier transform, recursive filters, and what looks at every sample. In portable
// C++ and for AVX2, with equal bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace covary {

// What the transforms of one size need, made once; see sound/tables.cpp.
struct Tables {
  std::int64_t rows = 0;                      // an eighth of the size
  std::unique_ptr<float[]> columns;           // for each level from the longest down, six numbers for each butterfly
  std::unique_ptr<float[]> lanes;             // for eight rows at a time: 8 x 8 real parts, then 8 x 8 imaginary ones
  std::unique_ptr<std::int32_t[]> frequency;  // of each row
};

constexpr std::int64_t least_size = 64, most_size = std::int64_t{1} << 22;

std::shared_ptr<const Tables> tables_of(std::int64_t size);

struct Convolution {
  const float* wave;            // `channels` rows of `length` samples
  std::int64_t channels, length, wave_step;  // the step from row to row, in samples
  const float* response;        // real or complex at size / 2 + 1 bins: one row, or one for each channel
  bool complex, one_response;
  std::int64_t size, hop, behind;  // of a block; the samples that it finishes; the sound before these that it needs
  float* out;                   // channels * length
};

struct Sections {
  const double* numbers;  // b0, b1, b2, a0, a1, a2 of each, a0 being 1
  std::int64_t count;
};

namespace portable {
void convolve(const Convolution& job, const Tables& tables);
void power_of(const Sections& sections, const float* half_sines, std::int64_t bins, float* out);
bool all_finite(const float* values, std::int64_t count);
bool all_finite(const double* values, std::int64_t count);
}  // namespace portable

#if defined(COVARY_AVX2)
namespace avx2 {
void convolve(const Convolution& job, const Tables& tables);
void power_of(const Sections& sections, const float* half_sines, std::int64_t bins, float* out);
bool all_finite(const float* values, std::int64_t count);
bool all_finite(const double* values, std::int64_t count);
}  // namespace avx2
#endif

}  // namespace covary
