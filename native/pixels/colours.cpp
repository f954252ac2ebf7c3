// The cloud of a picture's colours: its sums, and a matrix applied to it.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

using Sums = nb::ndarray<std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t block = 256;  // pixels

// Sums of the products of each two of (channels, 1) over all pixels: (C + 1, C + 1), of which the upper half is filled.
template <class T, class Count>
void add_products(const Pixels<T>& picture, Count channels, std::int64_t* sums) {
  // Products of a block of bytes fit 32 bits.
  using Sum = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, std::int64_t>;
  const std::int64_t pixels = picture.height * picture.width, columns = channels + 1;
  std::vector<Sum> part(static_cast<std::size_t>(columns * columns));
  Sum* own = part.data();
  for (std::int64_t start = 0; start < pixels; start += block) {
    std::fill(part.begin(), part.end(), Sum{0});
    const std::int64_t end = std::min(pixels, start + block);
    for (std::int64_t i = start; i < end; ++i) {
      const T* v = picture.data + i * channels;
      for (std::int64_t a = 0; a < channels; ++a) {
        const auto value = static_cast<Sum>(v[a]);
        for (std::int64_t b = a; b < channels; ++b) own[a * columns + b] += value * static_cast<Sum>(v[b]);
        own[a * columns + channels] += value;
      }
    }
    for (std::int64_t k = 0; k < columns * columns; ++k) sums[k] += static_cast<std::int64_t>(own[k]);
  }
  sums[columns * columns - 1] = pixels;
}

// One channel of the result for a block of planes; whole numbers are clipped and rounded to even.
COVARY_CLONES void mix_plane(const float* planes, std::int64_t channels, const float* factors, float white, float* out) {
  constexpr float magic = 12582912.0F;  // adding 1.5 * 2**23 leaves no room for a fraction
  for (std::int64_t i = 0; i < block; ++i) out[i] = factors[0] * planes[i];
  for (std::int64_t c = 1; c < channels; ++c)
    for (std::int64_t i = 0; i < block; ++i) out[i] += factors[c] * planes[c * block + i];
  for (std::int64_t i = 0; i < block; ++i) out[i] += factors[channels];
  if (white == 0.0F) return;
  for (std::int64_t i = 0; i < block; ++i) {
    float value = out[i];
    value = value > 0.0F ? value : 0.0F;
    value = value < white ? value : white;
    out[i] = (value + magic) - magic;
  }
}

template <class T, class Count>
void mix(const Pixels<T>& picture, Count channels, const float* matrix) {
  constexpr float white = std::is_same_v<T, std::uint8_t> ? 255.0F : std::is_same_v<T, std::uint16_t> ? 65535.0F : 0.0F;
  const std::int64_t pixels = picture.height * picture.width;
  std::vector<float> from(static_cast<std::size_t>(block * channels), 0.0F), to(from.size());
  for (std::int64_t start = 0; start < pixels; start += block) {
    const std::int64_t count = std::min(block, pixels - start);
    T* v = picture.data + start * channels;
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < channels; ++c) from[static_cast<std::size_t>(c * block + i)] = static_cast<float>(v[i * channels + c]);
    for (std::int64_t c = 0; c < channels; ++c)
      mix_plane(from.data(), channels, matrix + c * (channels + 1), white, to.data() + c * block);
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < channels; ++c) {
        const float value = to[static_cast<std::size_t>(c * block + i)];
        if constexpr (std::is_same_v<T, float>) {
          v[i * channels + c] = value;
        } else {
          v[i * channels + c] = static_cast<T>(static_cast<std::int32_t>(value));
        }
      }
  }
}

// Calls `work` with the number of channels, known to the compiler where it is three.
template <class View, class Work>
void with_channels(const View& view, Work work) {
  if (view.channels == 3) {
    work(std::integral_constant<std::int64_t, 3>{});
  } else {
    work(view.channels);
  }
}

}  // namespace

void add_colours(nb::module_& m) {
  m.def(
      "add_products",
      [](const AnyPicture& picture, const Sums& sums) {
        const std::size_t columns = picture.shape(2) + 1;
        if (sums.shape(0) != columns || sums.shape(1) != columns) throw nb::value_error("sums: expected (C + 1, C + 1)");
        if (picture.dtype() == nb::dtype<float>()) throw nb::type_error("picture: expected uint8 or uint16");
        with_picture(picture, [to = sums.data()](auto view) {
          if constexpr (!std::is_same_v<decltype(view), Pixels<float>>)
            with_channels(view, [&](auto channels) { add_products(view, channels, to); });
        });
      },
      nb::arg("picture").noconvert(), nb::arg("sums").noconvert());
  m.def(
      "mix_colours",
      [](const AnyPicture& picture, const Matrix& matrix) {
        if (matrix.shape(0) != picture.shape(2) || matrix.shape(1) != picture.shape(2) + 1)
          throw nb::value_error("matrix: expected (C, C + 1)");
        with_picture(picture, [from = matrix.data()](auto view) {
          with_channels(view, [&](auto channels) { mix(view, channels, from); });
        });
      },
      nb::arg("picture").noconvert(), nb::arg("matrix").noconvert());
}

}  // namespace covary
