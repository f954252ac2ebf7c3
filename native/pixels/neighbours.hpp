// Filters of what lies near each pixel: loops that are compiled once per instruction set.
#pragma once

#include <cstdint>

namespace covary {

// A picture and where what is made of it goes: to its own place, or to one of the same size that does not overlap with it.
template <class T>
struct Rows {
  const T* data;
  T* out;
  std::int64_t height, width, channels;
  std::int64_t run() const { return width * channels; }
  const T* row(std::int64_t y) const { return data + y * run(); }
  T* made(std::int64_t y) const { return out + y * run(); }
};

constexpr int widest_median = 3;    // radii
constexpr int widest_extreme = 16;
template <class T>
constexpr int widest_box = sizeof(T) == 1 ? 7 : 3;  // sums of bytes fit into 16 bits, of 16 bits exactly into a float

// What lies near: rows -reach .. reach, each of them `halves` pixels to either side.
struct Neighbourhood {
  const int* halves;
  int reach;
};

#define COVARY_NEIGHBOURS                                                                    \
  template <class T>                                                                         \
  void median(Rows<T> picture, int radius);                                                  \
  template <class T>                                                                         \
  void extreme(Rows<T> picture, const Neighbourhood& near, bool lightest);                   \
  template <class T>                                                                         \
  void box(Rows<T> picture, int radius);                                                     \
  template <class T>                                                                         \
  void zoomed(Rows<T> picture, const double* steps, std::int64_t count);

namespace portable {
COVARY_NEIGHBOURS
}
namespace avx2 {
COVARY_NEIGHBOURS
}

#undef COVARY_NEIGHBOURS

}  // namespace covary
