// What the loops over rows of a volume share.
#pragma once

#include <cstdint>

namespace covary {

bool has_avx2();

// A volume of one channel, small enough for 32-bit indices.
template <class T>
struct Block {
  const T* source;
  std::int32_t strides[2];  // of z and y
  float last[3];            // the last index of each axis
  std::int32_t safe;        // the last index whose reads, and those of the rows beside it, stay inside
};

// Interpolates at eight positions; false, and nothing is written, unless all of them lie well inside. Needs AVX2.
template <class T>
bool eight_voxels(const Block<T>& block, const float* z, const float* y, const float* x, T* out);

}  // namespace covary
