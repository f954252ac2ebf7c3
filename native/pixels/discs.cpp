// The mean over a disc about each pixel, as of a lens out of focus; borders by "reflect".
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

// Sums along a row may pass the range of their type: what is left when they are subtracted is right, as no run of a disc
// (201 pixels at most) has a sum beyond it.
template <class T>
using Along = std::conditional_t<std::is_same_v<T, float>, double,
                                 std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint16_t, std::uint32_t>>;
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, float>, double, std::uint32_t>;

// So many of the largest bytes fit into 16 bits.
constexpr std::int64_t fitting = 257;

typedef std::uint16_t Words16 __attribute__((vector_size(32)));
typedef std::uint32_t Words32 __attribute__((vector_size(32)));
typedef double Doubles __attribute__((vector_size(32)));

// to[i] = sum over k of ends[k][i] - starts[k][i], four registers at a time.
#define COVARY_DIFFERENCES(NAME, NUMBER, VECTOR)                                                                       \
  COVARY_CLONES void NAME(const NUMBER* const* ends, const NUMBER* const* starts, std::int64_t count, std::int64_t n,  \
                          NUMBER* to) {                                                                                \
    constexpr std::int64_t lanes = sizeof(VECTOR) / sizeof(NUMBER);                                                    \
    std::int64_t i = 0;                                                                                                \
    for (; i + 4 * lanes <= n; i += 4 * lanes) {                                                                       \
      VECTOR s0 = {}, s1 = {}, s2 = {}, s3 = {};                                                                       \
      for (std::int64_t k = 0; k < count; ++k) {                                                                       \
        VECTOR e0, e1, e2, e3, b0, b1, b2, b3;                                                                         \
        std::memcpy(&e0, ends[k] + i, sizeof(VECTOR));                                                                 \
        std::memcpy(&e1, ends[k] + i + lanes, sizeof(VECTOR));                                                         \
        std::memcpy(&e2, ends[k] + i + 2 * lanes, sizeof(VECTOR));                                                     \
        std::memcpy(&e3, ends[k] + i + 3 * lanes, sizeof(VECTOR));                                                     \
        std::memcpy(&b0, starts[k] + i, sizeof(VECTOR));                                                               \
        std::memcpy(&b1, starts[k] + i + lanes, sizeof(VECTOR));                                                       \
        std::memcpy(&b2, starts[k] + i + 2 * lanes, sizeof(VECTOR));                                                   \
        std::memcpy(&b3, starts[k] + i + 3 * lanes, sizeof(VECTOR));                                                   \
        s0 += e0 - b0;                                                                                                 \
        s1 += e1 - b1;                                                                                                 \
        s2 += e2 - b2;                                                                                                 \
        s3 += e3 - b3;                                                                                                 \
      }                                                                                                                \
      std::memcpy(to + i, &s0, sizeof(VECTOR));                                                                        \
      std::memcpy(to + i + lanes, &s1, sizeof(VECTOR));                                                                \
      std::memcpy(to + i + 2 * lanes, &s2, sizeof(VECTOR));                                                            \
      std::memcpy(to + i + 3 * lanes, &s3, sizeof(VECTOR));                                                            \
    }                                                                                                                  \
    for (; i < n; ++i) {                                                                                               \
      to[i] = 0;                                                                                                       \
      for (std::int64_t k = 0; k < count; ++k) to[i] = static_cast<NUMBER>(to[i] + (ends[k][i] - starts[k][i]));       \
    }                                                                                                                  \
  }

COVARY_DIFFERENCES(differences, std::uint16_t, Words16)
COVARY_DIFFERENCES(differences, std::uint32_t, Words32)
COVARY_DIFFERENCES(differences, double, Doubles)

COVARY_CLONES void add_to(const std::uint16_t* from, std::int64_t n, std::uint32_t* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
}

// Means of whole numbers, rounded to nearest: a disc has an odd number of pixels, so none lies halfway. Up to a thousand
// pixels float32 is exact enough to tell the sides.
COVARY_CLONES void few_divided(const std::uint32_t* sums, float share, std::int64_t n, std::uint8_t* to) {
  for (std::int64_t i = 0; i < n; ++i)
    to[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(static_cast<float>(static_cast<std::int32_t>(sums[i])) * share + 0.5F));
}

template <class T>
void many_divided(const std::uint32_t* sums, double share, std::int64_t n, T* to) {
  for (std::int64_t i = 0; i < n; ++i)
    to[i] = static_cast<T>(static_cast<std::int32_t>(static_cast<double>(sums[i]) * share + 0.5));
}

void divided(const std::uint32_t* sums, std::int64_t area, std::int64_t n, std::uint8_t* to) {
  if (area <= 1000) {
    few_divided(sums, 1.0F / static_cast<float>(area), n, to);
  } else {
    many_divided(sums, 1.0 / static_cast<double>(area), n, to);
  }
}

void divided(const std::uint32_t* sums, std::int64_t area, std::int64_t n, std::uint16_t* to) {
  many_divided(sums, 1.0 / static_cast<double>(area), n, to);
}

COVARY_CLONES void divided(const double* sums, std::int64_t area, std::int64_t n, float* to) {
  const double share = 1.0 / static_cast<double>(area);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(sums[i] * share);
}

// to[i + channels] = to[i] + from[i]: the sums along a row, with as many of them in registers as there are channels.
template <std::int64_t Channels, class T, class A>
void accumulate(const T* from, std::int64_t pixels, A* to) {
  A sums[Channels];
  for (std::int64_t c = 0; c < Channels; ++c) sums[c] = to[c];
  for (std::int64_t x = 0; x < pixels; ++x) {
    to += Channels;
    for (std::int64_t c = 0; c < Channels; ++c) to[c] = sums[c] = static_cast<A>(sums[c] + static_cast<A>(from[c]));
    from += Channels;
  }
}

template <class T, class A>
void accumulate(const T* from, std::int64_t pixels, std::int64_t channels, A* to) {
  if (channels == 1) return accumulate<1>(from, pixels, to);
  if (channels == 3) return accumulate<3>(from, pixels, to);
  if (channels == 4) return accumulate<4>(from, pixels, to);
  for (std::int64_t i = 0; i < pixels * channels; ++i) to[channels + i] = static_cast<A>(to[i] + static_cast<A>(from[i]));
}

std::int64_t reflected(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

// Row j of the disc, of 2 * reach + 1, spans the columns -halves[j] to halves[j].
template <class T>
void disc(const Pixels<T>& picture, const std::vector<std::int64_t>& halves) {
  const std::int64_t height = picture.height, width = picture.width, channels = picture.channels;
  const auto count = static_cast<std::int64_t>(halves.size());
  const std::int64_t reach = count / 2, widest = *std::max_element(halves.begin(), halves.end());
  // Sums along each row from its reflected beginning; entry x is the sum of all before x.
  const std::int64_t length = (width + 2 * widest + 1) * channels;
  // The rows are not a multiple of 4 KB apart, so that those of one place do not evict each other.
  const std::int64_t stride = (length + 1023) / 1024 * 1024 + 32;
  const std::int64_t inside = width * channels;
  std::vector<Along<T>> sums(static_cast<std::size_t>(count * stride));
  std::vector<std::int64_t> kept(static_cast<std::size_t>(count), -1);
  std::vector<const Along<T>*> ends(static_cast<std::size_t>(count)), starts(static_cast<std::size_t>(count));
  std::vector<Along<T>> part(static_cast<std::size_t>(inside));
  std::vector<Sum<T>> line(static_cast<std::size_t>(std::is_same_v<T, std::uint8_t> ? inside : 0));
  std::int64_t area = 0;
  for (const std::int64_t half : halves) area += 2 * half + 1;

  const auto sum_row = [&](std::int64_t y, const T* from) {
    Along<T>* to = sums.data() + (y % count) * stride;
    for (std::int64_t c = 0; c < channels; ++c) to[c] = 0;
    for (std::int64_t x = -widest; x < 0; ++x, to += channels) accumulate(from + reflected(x, width) * channels, 1, channels, to);
    accumulate(from, width, channels, to);
    to += inside;
    for (std::int64_t x = width; x < width + widest; ++x, to += channels)
      accumulate(from + reflected(x, width) * channels, 1, channels, to);
    kept[static_cast<std::size_t>(y % count)] = y;
  };
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t row = reflected(y + j - reach, height), slot = row % count;
      // A row of pixels is written over only when its sums are kept: they were needed by a row above.
      if (kept[static_cast<std::size_t>(slot)] != row) sum_row(row, picture.at(row, 0));
      const Along<T>* begin = sums.data() + slot * stride;
      const std::int64_t half = halves[static_cast<std::size_t>(j)];
      ends[static_cast<std::size_t>(j)] = begin + (widest + half + 1) * channels;
      starts[static_cast<std::size_t>(j)] = begin + (widest - half) * channels;
    }
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      std::fill(line.begin(), line.end(), 0U);
      for (std::int64_t j = 0; j < count;) {
        const std::int64_t first = j;
        std::int64_t pixels = 0;
        while (j < count && pixels + 2 * halves[static_cast<std::size_t>(j)] + 1 <= fitting)
          pixels += 2 * halves[static_cast<std::size_t>(j++)] + 1;
        differences(ends.data() + first, starts.data() + first, j - first, inside, part.data());
        add_to(part.data(), inside, line.data());
      }
      divided(line.data(), area, inside, picture.at(y, 0));
    } else {
      differences(ends.data(), starts.data(), count, inside, part.data());
      divided(part.data(), area, inside, picture.at(y, 0));
    }
  }
}

}  // namespace

void add_discs(nb::module_& m) {
  m.def(
      "disc",
      [](const AnyPicture& picture, const std::vector<std::int64_t>& halves) {
        if (halves.size() % 2 != 1 || halves.size() > 201) throw nb::value_error("halves: expected an odd number, at most 201");
        for (const std::int64_t half : halves)
          if (half < 0 || half > 100) throw nb::value_error("halves: expected 0 to 100 pixels");
        if (picture.size() == 0) return;
        with_picture(picture, [&](auto view) { disc(view, halves); });
      },
      nb::arg("picture").noconvert(), nb::arg("halves"));
}

}  // namespace covary
