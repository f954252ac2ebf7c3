// The levels of pictures of whole numbers: how often each occurs, the ends of their range, and what becomes of each.
#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "../tables.hpp"
#include "picture.hpp"

namespace covary {

namespace {

using Counts = nb::ndarray<std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using AnyTables = nb::ndarray<nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class T>
constexpr std::int64_t levels_of = std::int64_t{std::numeric_limits<T>::max()} + 1;

// Several counters a level, taken in turn: neighbours are alike, and one counter would wait for itself.
void count(const Pixels<std::uint8_t>& picture, std::int64_t* counts) {
  constexpr std::int64_t sets = 4, levels = levels_of<std::uint8_t>;
  const std::int64_t channels = picture.channels, pixels = picture.height * picture.width;
  std::vector<std::uint32_t> counters(static_cast<std::size_t>(sets * channels * levels));
  const std::int64_t most = std::int64_t{1} << 30;  // pixels that a counter can count
  for (std::int64_t start = 0; start < pixels; start += most) {
    const std::int64_t end = std::min(pixels, start + most);
    std::fill(counters.begin(), counters.end(), 0U);
    const std::uint8_t* v = picture.data + start * channels;
    std::int64_t i = start;
    if (channels == 3) {
      std::uint32_t* own = counters.data();
      for (; i + sets <= end; i += sets, v += 3 * sets)
        for (std::int64_t k = 0; k < sets; ++k)
          for (std::int64_t c = 0; c < 3; ++c) ++own[(k * 3 + c) * levels + v[3 * k + c]];
    }
    if (channels == 1)
      for (std::uint32_t* own = counters.data(); i + sets <= end; i += sets, v += sets)
        for (std::int64_t k = 0; k < sets; ++k) ++own[k * levels + v[k]];
    for (; i < end; ++i, v += channels) {
      std::uint32_t* own = counters.data() + i % sets * channels * levels;
      for (std::int64_t c = 0; c < channels; ++c) ++own[c * levels + v[c]];
    }
    for (std::int64_t k = 0; k < sets; ++k)
      for (std::int64_t j = 0; j < channels * levels; ++j)
        counts[j] += counters[static_cast<std::size_t>(k * channels * levels + j)];
  }
}

void count(const Pixels<std::uint16_t>& picture, std::int64_t* counts) {
  constexpr std::int64_t levels = levels_of<std::uint16_t>;
  const std::int64_t channels = picture.channels, values = picture.height * picture.width * channels;
  for (std::int64_t i = 0; i < values; i += channels)
    for (std::int64_t c = 0; c < channels; ++c) ++counts[c * levels + picture.data[i + c]];
}

// The least and the greatest value of each channel; runs of pixels are compared place by place.
template <class T>
void find_ends(const Pixels<T>& picture, std::int64_t* least, std::int64_t* greatest) {
  constexpr std::int64_t group = 64;  // pixels
  const std::int64_t channels = picture.channels, values = picture.height * picture.width * channels;
  const std::int64_t run = group * channels;
  std::vector<T> low(static_cast<std::size_t>(run), std::numeric_limits<T>::max()), high(low.size(), T{0});
  for (std::int64_t start = 0; start < values; start += run) {
    const T* v = picture.data + start;
    const std::int64_t end = std::min(run, values - start);
    T* l = low.data();
    T* h = high.data();
    for (std::int64_t i = 0; i < end; ++i) {
      l[i] = std::min(l[i], v[i]);
      h[i] = std::max(h[i], v[i]);
    }
  }
  for (std::int64_t c = 0; c < channels; ++c) least[c] = std::numeric_limits<T>::max(), greatest[c] = 0;
  for (std::int64_t i = 0; i < run; ++i) {
    least[i % channels] = std::min<std::int64_t>(least[i % channels], low[static_cast<std::size_t>(i)]);
    greatest[i % channels] = std::max<std::int64_t>(greatest[i % channels], high[static_cast<std::size_t>(i)]);
  }
}

template <class T>
void look_up(const Pixels<T>& picture, const T* tables) {
  const std::int64_t channels = picture.channels, values = picture.height * picture.width * channels;
  std::int64_t i = 0;
#if defined(COVARY_HAS_VBMI)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (has_vbmi() && (channels == 3 || channels == 1))
      i = look_up_blocks(tables, channels == 3 ? levels_of<T> : 0, values, picture.data, false, picture.data);
#endif
  for (; i < values; i += channels)
    for (std::int64_t c = 0; c < channels; ++c) picture.data[i + c] = tables[c * levels_of<T> + picture.data[i + c]];
}

// Calls `work` with the picture as what it is, uint8 or uint16.
template <class Work>
void with_levels(const AnyPicture& picture, Work work) {
  if (picture.dtype() == nb::dtype<float>()) throw nb::type_error("picture: expected uint8 or uint16");
  with_picture(picture, [&](auto view) {
    if constexpr (!std::is_same_v<decltype(view), Pixels<float>>) work(view);
  });
}

void has_rows(const Counts& made, const AnyPicture& picture, std::size_t columns) {
  if (made.shape(0) != picture.shape(2) || made.shape(1) != columns)
    throw nb::value_error("expected a row for each channel, of as many numbers as there are levels");
}

}  // namespace

void add_levels(nb::module_& m) {
  m.def(
      "count_levels",
      [](const AnyPicture& picture, const Counts& counts) {
        has_rows(counts, picture, picture.dtype() == nb::dtype<std::uint8_t>() ? 256 : 65536);
        with_levels(picture, [to = counts.data()](auto view) { count(view, to); });
      },
      nb::arg("picture").noconvert(), nb::arg("counts").noconvert());
  m.def(
      "find_ends",
      [](const AnyPicture& picture, const Counts& ends) {
        if (ends.shape(0) != 2 || ends.shape(1) != picture.shape(2)) throw nb::value_error("ends: expected (2, C)");
        with_levels(picture, [to = ends.data()](auto view) { find_ends(view, to, to + view.channels); });
      },
      nb::arg("picture").noconvert(), nb::arg("ends").noconvert());
  m.def(
      "look_up_levels",
      [](const AnyPicture& picture, const AnyTables& tables) {
        if (tables.dtype() != picture.dtype()) throw nb::type_error("tables: expected the picture's type");
        const std::size_t levels = picture.dtype() == nb::dtype<std::uint8_t>() ? 256 : 65536;
        if (tables.shape(0) != picture.shape(2) || tables.shape(1) != levels)
          throw nb::value_error("tables: expected one of all levels for each channel");
        with_levels(picture, [from = tables.data()](auto view) {
          look_up(view, static_cast<std::remove_pointer_t<decltype(view.data)>*>(from));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("tables").noconvert());
}

}  // namespace covary
