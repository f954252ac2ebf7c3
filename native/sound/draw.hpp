// Sounds drawn in one go: whole samples that move, gains, envelopes, levels and what else is plain arithmetic on single values.
// To the bit what the same steps give one after the other in NumPy, in float32.
#pragma once

#include <cstdint>
#include <vector>

namespace covary {

enum class SoundStep : std::uint8_t { cut, gain, envelope, peak, clamp, quantise };

// One step of one sound. Which members mean something depends on the kind.
struct SoundPass {
  SoundStep kind;
  const double* knots = nullptr;   // cut: pieces of output start and end, input start and end; envelope: positions
  const double* values = nullptr;  // envelope: the factors at the knots
  std::int64_t count = 0;          // of pieces or knots
  std::int64_t length = 0;         // cut: samples of its output
  std::int64_t fade = 0;           // cut: samples over which edges are faded
  double first = 0;                // gain: the factor; peak: decibels; clamp: the least value; quantise: levels below zero
  double second = 0;               // clamp: the greatest value; peak: whether only what is above is turned down
};

// Of integers full scale is 2**15 or 2**31.
enum class SoundElement : std::uint8_t { f32, f64, i16, i32 };

struct SoundJob {
  SoundElement element = SoundElement::f32;
  const void* wave = nullptr;  // `channels` rows of `length` samples
  std::int64_t channels = 0, length = 0, wave_step = 0;  // the step from row to row, in samples
  std::vector<SoundPass> passes;
  void* out = nullptr;  // channels * out_length
  std::int64_t out_length = 0;
};

namespace portable {
// False where a value that is looked at is no finite number; `out` then holds nothing of use. What is not float32 is computed in
// float32; the values of 32-bit integers and of float64 lose digits by that.
bool draw(const SoundJob& job);
}  // namespace portable

#if defined(COVARY_AVX2)
namespace avx2 {
bool draw(const SoundJob& job);
}  // namespace avx2
#endif

}  // namespace covary
