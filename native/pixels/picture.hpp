// Pictures as the kernels for functions of pixels get them: (H, W, C) arrays, worked on in place with the GIL released.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>

#include "../philox.hpp"

// Loops whose results do not depend on the width of registers: each processor may use its widest.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define COVARY_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define COVARY_CLONES
#endif

// A few loops are written for registers of eight floats too, and chosen where the processor has them.
#if defined(__x86_64__) && defined(__GNUC__)
#define COVARY_PIXELS_AVX2 __attribute__((target("avx2")))
#include <immintrin.h>
#endif

namespace covary {

namespace nb = nanobind;

using AnyPicture = nb::ndarray<nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// A picture that is only read.
using GivenPicture = nb::ndarray<nb::ro, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// A picture of one type of values.
template <class T>
struct Pixels {
  T* data;
  std::int64_t height, width, channels;
  T* at(std::int64_t y, std::int64_t x) const { return data + (y * width + x) * channels; }
};

// Calls `work` with the picture as what it is, uint8, uint16 or float32, the GIL released.
template <class Work>
void with_picture(const AnyPicture& array, Work work) {
  const auto height = static_cast<std::int64_t>(array.shape(0)), width = static_cast<std::int64_t>(array.shape(1)),
             channels = static_cast<std::int64_t>(array.shape(2));
  void* data = array.data();
  const nb::dlpack::dtype type = array.dtype();
  if (type == nb::dtype<std::uint8_t>()) {
    const nb::gil_scoped_release released;
    work(Pixels<std::uint8_t>{static_cast<std::uint8_t*>(data), height, width, channels});
  } else if (type == nb::dtype<std::uint16_t>()) {
    const nb::gil_scoped_release released;
    work(Pixels<std::uint16_t>{static_cast<std::uint16_t*>(data), height, width, channels});
  } else if (type == nb::dtype<float>()) {
    const nb::gil_scoped_release released;
    work(Pixels<float>{static_cast<float*>(data), height, width, channels});
  } else {
    throw nb::type_error("picture: expected uint8, uint16 or float32");
  }
}

// Blocks of numbers, 32 bits each: word j of the block with counter (first + i, 0, 0, tag), for i from 0 to 7, at 4 * i + j.
constexpr int philox_lanes = 8;
void philox_lanes_of(std::uint32_t first, std::uint32_t tag, std::uint32_t key_0, std::uint32_t key_1,
                   std::uint32_t to[4 * philox_lanes]);

// The numbers of one stream in their order, 32 bits each: number 4 * i + j is word j of the block with counter (i, 0, 0, tag).
class Words {
 public:
  Words(std::uint64_t stream, std::uint32_t tag)
      : low_(static_cast<std::uint32_t>(stream)), high_(static_cast<std::uint32_t>(stream >> 32)), tag_(tag) {}
  std::uint32_t next() {
    if (place_ == count) {
      philox_lanes_of(block_, tag_, low_, high_, words_);
      block_ += philox_lanes;
      place_ = 0;
    }
    return words_[place_++];
  }
  // A whole number in [0, limit), limit at most 2**16: the upper bits of a product, whose bias is below limit / 2**32.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>((std::uint64_t{next()} * limit) >> 32); }

 private:
  static constexpr int count = 4 * philox_lanes;
  std::uint32_t low_, high_, tag_, block_ = 0;
  std::uint32_t words_[count];
  int place_ = count;
};

// Each file of this folder adds its kernels to the module; `pixels.cpp` calls them all.
void add_clahe(nb::module_& m);
void add_clouds(nb::module_& m);
void add_colours(nb::module_& m);
void add_cover(nb::module_& m);
void add_discs(nb::module_& m);
void add_dither(nb::module_& m);
void add_glass(nb::module_& m);
void add_levels(nb::module_& m);
void add_marks(nb::module_& m);
void add_neighbours(nb::module_& m);
void add_superpixels(nb::module_& m);

void add_pixels(nb::module_& m);

}  // namespace covary
