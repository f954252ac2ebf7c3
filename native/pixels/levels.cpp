// The levels of pictures of whole numbers: how often each occurs, the ends of their range, and what becomes of each.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "../tables.hpp"
#include "picture.hpp"

namespace covary {

namespace {

using Counts = nb::ndarray<std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using GivenCounts = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using AnyTables = nb::ndarray<nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Curves = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Amounts = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

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
    // Of many channels a counter's turns are far enough apart, and one of each stays in the first-level cache.
    const std::int64_t turns = channels > 4 ? 0 : sets - 1;
    for (; i < end; ++i, v += channels) {
      std::uint32_t* own = counters.data() + (i & turns) * channels * levels;
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

// Widens ranges, which repeat after `run` values, by the values.
template <class T>
inline void widen_by(const T* values, std::int64_t n, std::int64_t run, T* low, T* high) {
  for (std::int64_t start = 0; start < n; start += run) {
    const T* v = values + start;
    const std::int64_t end = std::min(run, n - start);
    for (std::int64_t i = 0; i < end; ++i) {
      low[i] = std::min(low[i], v[i]);
      high[i] = std::max(high[i], v[i]);
    }
  }
}

COVARY_CLONES void widen(const std::uint8_t* values, std::int64_t n, std::int64_t run, std::uint8_t* low, std::uint8_t* high) {
  widen_by(values, n, run, low, high);
}

COVARY_CLONES void widen(const std::uint16_t* values, std::int64_t n, std::int64_t run, std::uint16_t* low,
                         std::uint16_t* high) {
  widen_by(values, n, run, low, high);
}

// The least and the greatest value of each channel; runs of pixels are compared place by place.
template <class T>
void find_ends(const Pixels<T>& picture, std::int64_t* least, std::int64_t* greatest) {
  constexpr std::int64_t group = 64;  // pixels
  const std::int64_t channels = picture.channels, values = picture.height * picture.width * channels;
  const std::int64_t run = group * channels;
  std::vector<T> low(static_cast<std::size_t>(run), std::numeric_limits<T>::max()), high(low.size(), T{0});
  widen(picture.data, values, run, low.data(), high.data());
  for (std::int64_t c = 0; c < channels; ++c) least[c] = std::numeric_limits<T>::max(), greatest[c] = 0;
  for (std::int64_t i = 0; i < run; ++i) {
    least[i % channels] = std::min<std::int64_t>(least[i % channels], low[static_cast<std::size_t>(i)]);
    greatest[i % channels] = std::max<std::int64_t>(greatest[i % channels], high[static_cast<std::size_t>(i)]);
  }
}

// How often each level occurs in one channel: by one channel at a time the counters stay in the second-level cache.
void count_channel(const Pixels<std::uint16_t>& picture, std::int64_t channel, std::uint32_t* counts) {
  std::memset(counts, 0, sizeof(std::uint32_t) * levels_of<std::uint16_t>);
  const std::int64_t channels = picture.channels, pixels = picture.height * picture.width;
  const std::uint16_t* v = picture.data + channel;
  for (std::int64_t i = 0; i < pixels; ++i, v += channels) ++counts[*v];
}

// The counts of all channels one after the other: `work` is called with each channel and its counts.
template <class Work>
void with_counts(const Pixels<std::uint16_t>& picture, Work work) {
  const std::unique_ptr<std::uint32_t[]> counts(new std::uint32_t[levels_of<std::uint16_t>]);
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    count_channel(picture, c, counts.get());
    work(c, counts.get());
  }
}

template <class Work>
void with_counts(const Pixels<std::uint8_t>& picture, Work work) {
  constexpr std::int64_t levels = levels_of<std::uint8_t>;
  std::vector<std::int64_t> all(static_cast<std::size_t>(picture.channels * levels));
  count(picture, all.data());
  std::uint32_t counts[levels];
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    for (std::int64_t v = 0; v < levels; ++v)
      counts[v] = static_cast<std::uint32_t>(all[static_cast<std::size_t>(c * levels + v)]);
    work(c, counts);
  }
}

// The least and the greatest level left when so many values of the channel, fewer than half of them, are left out at
// either end.
void cut_ends(const std::uint32_t* counts, std::int64_t levels, std::int64_t skipped, std::int64_t* least,
              std::int64_t* greatest) {
  constexpr std::int64_t block = 64;
  const auto in_block = [&](std::int64_t first) {
    std::int64_t sum = 0;
    for (std::int64_t v = first; v < first + block; ++v) sum += counts[v];
    return sum;
  };
  std::int64_t below = 0, above = 0, low = 0, high = levels;
  for (std::int64_t next; below + (next = in_block(low)) <= skipped; low += block) below += next;
  while (below + counts[low] <= skipped) below += counts[low++];
  for (std::int64_t next; above + (next = in_block(high - block)) <= skipped; high -= block) above += next;
  while (above + counts[high - 1] <= skipped) above += counts[--high];
  *least = low;
  *greatest = high - 1;
}

// The same of all channels.
template <class T>
void find_cut_ends(const Pixels<T>& picture, std::int64_t skipped, std::int64_t* least, std::int64_t* greatest) {
  with_counts(picture, [&](std::int64_t c, const std::uint32_t* counts) {
    cut_ends(counts, levels_of<T>, skipped, least + c, greatest + c);
  });
}

// The nearest whole number, ties to even.
inline std::uint16_t nearest(double value) {
#if defined(__GNUC__) && !defined(__clang__)
  return static_cast<std::uint16_t>(__builtin_irint(value));  // done in registers on every processor
#else
  return static_cast<std::uint16_t>(static_cast<std::int32_t>(std::nearbyint(value)));
#endif
}

// A share `amount` of `changed` in a blend with `value`.
inline std::uint16_t blended(double value, double changed, double amount) {
  return nearest(value + amount * (changed - value));
}

// How values are stretched: by numbers for each of `run` values, which repeat.
struct Stretch {
  std::vector<std::uint16_t> low, high;
  std::vector<double> scale;
  double white;
  explicit Stretch(std::int64_t run, double to) : low(static_cast<std::size_t>(run)), high(low), scale(low.size()), white(to) {}
  // Ends that are the same leave values as they are.
  void set(std::size_t i, std::int64_t least, std::int64_t greatest) {
    const bool even = least >= greatest;
    low[i] = even ? std::uint16_t{0} : static_cast<std::uint16_t>(least);
    high[i] = static_cast<std::uint16_t>(even ? static_cast<std::int64_t>(white) : greatest);
    scale[i] = even ? 1.0 : white / static_cast<double>(greatest - least);
  }
};

COVARY_CLONES void stretch_values(std::uint16_t* values, std::int64_t n, const Stretch& by, double amount) {
  const auto run = static_cast<std::int64_t>(by.low.size());
  const std::uint16_t* low = by.low.data();
  const std::uint16_t* high = by.high.data();
  const double* scale = by.scale.data();
  const double white = by.white;
  for (std::int64_t start = 0; start < n; start += run) {
    std::uint16_t* v = values + start;
    const std::int64_t end = std::min(run, n - start);
    if (amount == 1) {  // the sum of the blend would miss the changed value by rounding
      for (std::int64_t i = 0; i < end; ++i) {
        const std::int32_t above = std::min(std::max(v[i], low[i]), high[i]) - low[i];
        v[i] = nearest(above * scale[i]);
      }
    } else {
      for (std::int64_t i = 0; i < end; ++i)
        v[i] = blended(v[i], std::min(std::max((v[i] - low[i]) * scale[i], 0.0), white), amount);
    }
  }
}

// What becomes of each level of a channel when its values are spread evenly; of levels that do not occur nothing is said.
COVARY_CLONES void spread_levels(const std::uint32_t* counts, std::int64_t levels, std::int64_t pixels, double amount,
                                 std::uint16_t* table) {
  constexpr int block = 32;
  const double white = static_cast<double>(levels - 1);
  std::int64_t passed = 0;
  double first = 0, rest = 1;
  for (std::int64_t start = 0; start < levels; start += block) {
    const std::uint32_t* own = counts + start;
    std::uint32_t any = 0;
    for (int i = 0; i < block; ++i) any |= own[i];
    if (any == 0) continue;
    double up_to[block];
    for (int i = 0; i < block; ++i) {
      if (passed == 0 && own[i] != 0) first = own[i], rest = static_cast<double>(pixels) - first;
      passed += own[i];
      up_to[i] = static_cast<double>(passed);
    }
    std::uint16_t* to = table + start;
    if (rest == 0) {  // one level alone
      for (int i = 0; i < block; ++i) to[i] = static_cast<std::uint16_t>(start + i);
    } else if (amount == 1) {
      for (int i = 0; i < block; ++i) {
        const double changed = std::min(std::max((up_to[i] - first) / rest, 0.0), 1.0) * white;
        to[i] = nearest(changed);
      }
    } else {
      for (int i = 0; i < block; ++i) {
        const double changed = std::min(std::max((up_to[i] - first) / rest, 0.0), 1.0) * white;
        to[i] = blended(static_cast<double>(start + i), changed, amount);
      }
    }
  }
}

// A tone curve of lying snow, of values from 0 to `white`: from a threshold on they go up to white.
COVARY_CLONES void whiten_levels(double amount, double white, std::int64_t levels, float* curve) {
  const auto last = static_cast<std::int32_t>(levels - 1);
  const double step = 1 / static_cast<double>(last), threshold = 0.75 - 0.5 * amount, most = std::min(2 * amount, 1.0);
  const auto risen = [&](double level, double share) { return static_cast<float>(white * (level + share * (1 - level))); };
  const auto rising = [&](double level) {
    const double rise = std::min(std::max((level - threshold) / 0.3, 0.0), 1.0);
    return risen(level, most * rise * rise * (3 - 2 * rise));
  };
  // Most levels lie surely before or behind the rise.
  const auto level_at = [&](double place) { return std::clamp(static_cast<std::int32_t>(place * last), 0, last); };
  const std::int32_t first = std::max(level_at(threshold) - 1, 0), full = std::min(level_at(threshold + 0.3) + 2, last);
  for (std::int32_t i = 0; i < first; ++i) curve[i] = static_cast<float>(white * (i * step));
  for (std::int32_t i = first; i < full; ++i) curve[i] = rising(i * step);
  for (std::int32_t i = full; i < last; ++i) curve[i] = risen(i * step, most);
  curve[last] = rising(1);
}

template <class T>
void look_up(const Pixels<T>& picture, const T* tables) {
  const std::int64_t channels = picture.channels, values = picture.height * picture.width * channels;
  T* const v = picture.data;  // bytes that are written could be the picture's own fields
  std::int64_t i = 0;
#if defined(COVARY_HAS_VBMI)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (has_vbmi() && (channels == 3 || channels == 1))
      i = look_up_blocks(tables, channels == 3 ? levels_of<T> : 0, values, v, false, v);
#endif
  if (channels == 3)
    for (; i < values; i += 3)
      for (std::int64_t c = 0; c < 3; ++c) v[i + c] = tables[c * levels_of<T> + v[i + c]];
  for (; i < values; i += channels)
    for (std::int64_t c = 0; c < channels; ++c) v[i + c] = tables[c * levels_of<T> + v[i + c]];
}

// Each channel stretched from its ends over the whole range: bytes by tables, deeper values one by one.
void stretch(const Pixels<std::uint8_t>& picture, const std::int64_t* least, const std::int64_t* greatest, double amount) {
  constexpr std::int64_t levels = levels_of<std::uint8_t>;
  std::vector<std::uint8_t> tables(static_cast<std::size_t>(picture.channels * levels));
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    std::uint16_t table[levels];
    for (std::int64_t v = 0; v < levels; ++v) table[v] = static_cast<std::uint16_t>(v);
    Stretch by(32, 255);
    for (std::size_t i = 0; i < 32; ++i) by.set(i, least[c], greatest[c]);
    stretch_values(table, levels, by, amount);
    std::copy(table, table + levels, tables.data() + c * levels);
  }
  look_up(picture, tables.data());
}

void stretch(const Pixels<std::uint16_t>& picture, const std::int64_t* least, const std::int64_t* greatest, double amount) {
  const std::int64_t channels = picture.channels, run = (channels < 8 ? 64 : 16) * channels;
  Stretch by(run, 65535);
  for (std::int64_t i = 0; i < run; ++i) by.set(static_cast<std::size_t>(i), least[i % channels], greatest[i % channels]);
  stretch_values(picture.data, picture.height * picture.width * channels, by, amount);
}

// Each channel with its values spread evenly over the whole range.
template <class T>
void spread(const Pixels<T>& picture, double amount) {
  constexpr std::int64_t levels = levels_of<T>;
  const std::int64_t pixels = picture.height * picture.width;
  const std::unique_ptr<T[]> tables(new T[static_cast<std::size_t>(picture.channels * levels)]);
  with_counts(picture, [&](std::int64_t c, const std::uint32_t* counts) {
    if constexpr (std::is_same_v<T, std::uint16_t>) {
      spread_levels(counts, levels, pixels, amount, tables.get() + c * levels);
    } else {
      std::uint16_t table[levels] = {};
      spread_levels(counts, levels, pixels, amount, table);
      std::copy(table, table + levels, tables.get() + c * levels);
    }
  });
  look_up(picture, tables.get());
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

// Counters have 32 bits.
void can_be_counted(const AnyPicture& picture) {
  if (picture.shape(0) * picture.shape(1) > std::numeric_limits<std::uint32_t>::max())
    throw nb::value_error("picture: has more pixels than can be counted");
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
      [](const AnyPicture& picture, std::int64_t skipped, const Counts& ends) {
        if (ends.shape(0) != 2 || ends.shape(1) != picture.shape(2)) throw nb::value_error("ends: expected (2, C)");
        can_be_counted(picture);
        if (skipped < 0 || (skipped > 0 && skipped > (static_cast<std::int64_t>(picture.shape(0) * picture.shape(1)) - 1) / 2))
          throw nb::value_error("skipped: expected fewer than half of the pixels");
        with_levels(picture, [skipped, to = ends.data()](auto view) {
          if (skipped == 0)
            find_ends(view, to, to + view.channels);
          else
            find_cut_ends(view, skipped, to, to + view.channels);
        });
      },
      nb::arg("picture").noconvert(), nb::arg("skipped"), nb::arg("ends").noconvert());
  m.def(
      "stretch_levels",
      [](const AnyPicture& picture, const GivenCounts& ends, double amount) {
        if (ends.shape(0) != 2 || ends.shape(1) != picture.shape(2)) throw nb::value_error("ends: expected (2, C)");
        with_levels(picture, [from = ends.data(), amount](auto view) { stretch(view, from, from + view.channels, amount); });
      },
      nb::arg("picture").noconvert(), nb::arg("ends").noconvert(), nb::arg("amount"));
  m.def(
      "spread_levels",
      [](const AnyPicture& picture, double amount) {
        can_be_counted(picture);
        with_levels(picture, [amount](auto view) { spread(view, amount); });
      },
      nb::arg("picture").noconvert(), nb::arg("amount"));
  m.def(
      "whiten_levels",
      [](const Amounts& amounts, double white, const Curves& curves) {
        const auto levels = static_cast<std::int64_t>(curves.shape(1));
        if (curves.shape(0) != amounts.shape(0) || levels < 2 || levels > 65536)
          throw nb::value_error("curves: expected a row of 2 to 65,536 levels for each amount");
        const nb::gil_scoped_release released;
        for (std::size_t b = 0; b < amounts.shape(0); ++b)
          whiten_levels(amounts.data()[b], white, levels, curves.data() + static_cast<std::int64_t>(b) * levels);
      },
      nb::arg("amounts").noconvert(), nb::arg("white"), nb::arg("curves").noconvert());
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
