// Superpixels: neighbourhoods of like pixels, found by a few rounds of k-means about a grid of centres, whole numbers only.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

using Labels = nb::ndarray<std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Features = nb::ndarray<const std::uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Chosen = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t fine = 16;  // centres are kept in sixteenths

// Nearest whole number of a quotient, halves up; nothing is negative.
std::int64_t quotient(std::int64_t sum, std::int64_t count) { return (2 * sum + count) / (2 * count); }

struct Cells {
  std::int64_t height, width, channels, rows, columns;
};

// The pixels' labels from the grid of centres, each centre being (y, x, channels ...) in sixteenths.
void assign(const Cells& cells, const std::uint8_t* features, const std::vector<std::int64_t>& centres, std::int64_t near,
            std::int64_t far, std::int32_t* labels) {
  const std::int64_t series = cells.channels + 2;
  for (std::int64_t y = 0; y < cells.height; ++y) {
    const std::int64_t row = y * cells.rows / cells.height;
    for (std::int64_t x = 0; x < cells.width; ++x) {
      const std::int64_t column = x * cells.columns / cells.width;
      const std::uint8_t* value = features + (y * cells.width + x) * cells.channels;
      std::int64_t best = std::numeric_limits<std::int64_t>::max();
      std::int64_t label = 0;
      for (std::int64_t r = std::max<std::int64_t>(row - 1, 0); r <= std::min(row + 1, cells.rows - 1); ++r) {
        for (std::int64_t k = std::max<std::int64_t>(column - 1, 0); k <= std::min(column + 1, cells.columns - 1); ++k) {
          const std::int64_t* centre = centres.data() + (r * cells.columns + k) * series;
          const std::int64_t dy = y * fine - centre[0], dx = x * fine - centre[1];
          std::int64_t unlike = 0;
          for (std::int64_t c = 0; c < cells.channels; ++c) {
            const std::int64_t d = value[c] * fine - centre[2 + c];
            unlike += d * d;
          }
          const std::int64_t distance = unlike * near + (dy * dy + dx * dx) * far;
          if (distance < best) {
            best = distance;
            label = r * cells.columns + k;
          }
        }
      }
      labels[y * cells.width + x] = static_cast<std::int32_t>(label);
    }
  }
}

// Each centre becomes the mean of its pixels; one without pixels stays.
void settle(const Cells& cells, const std::uint8_t* features, const std::int32_t* labels, std::vector<std::int64_t>& centres) {
  const std::int64_t series = cells.channels + 2;
  std::vector<std::int64_t> sums(centres.size(), 0);
  std::vector<std::int64_t> counts(centres.size() / static_cast<std::size_t>(series), 0);
  for (std::int64_t y = 0; y < cells.height; ++y) {
    for (std::int64_t x = 0; x < cells.width; ++x) {
      const std::int64_t i = y * cells.width + x;
      std::int64_t* sum = sums.data() + labels[i] * series;
      sum[0] += y;
      sum[1] += x;
      for (std::int64_t c = 0; c < cells.channels; ++c) sum[2 + c] += features[i * cells.channels + c];
      ++counts[static_cast<std::size_t>(labels[i])];
    }
  }
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) continue;
    for (std::size_t s = k * static_cast<std::size_t>(series); s < (k + 1) * static_cast<std::size_t>(series); ++s)
      centres[s] = quotient(sums[s] * fine, counts[k]);
  }
}

// The chosen segments become their mean; a label stands for `factor` by `factor` pixels.
template <class T>
void flatten(const Pixels<T>& picture, const std::int32_t* labels, std::int64_t width, std::int64_t factor,
             const std::uint8_t* chosen, std::size_t count) {
  const std::int64_t channels = picture.channels;
  std::vector<double> sums(count * static_cast<std::size_t>(channels), 0.0);
  std::vector<double> pixels(count, 0.0);
  const auto each = [&](auto work) {
    for (std::int64_t y = 0; y < picture.height; ++y) {
      const std::int32_t* row = labels + y / factor * width;
      for (std::int64_t x0 = 0; x0 < picture.width; x0 += factor) {
        const std::int32_t label = row[x0 / factor];
        if (chosen[label] == 0) continue;
        for (std::int64_t x = x0; x < std::min(x0 + factor, picture.width); ++x) work(label, picture.at(y, x));
      }
    }
  };
  each([&](std::int32_t label, const T* here) {
    for (std::int64_t c = 0; c < channels; ++c) sums[static_cast<std::size_t>(label * channels + c)] += static_cast<double>(here[c]);
    pixels[static_cast<std::size_t>(label)] += 1.0;
  });
  std::vector<T> means(sums.size());
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = k * static_cast<std::size_t>(channels); i < (k + 1) * static_cast<std::size_t>(channels); ++i)
      means[i] = static_cast<T>(sums[i] / std::max(pixels[k], 1.0) + (std::is_same_v<T, float> ? 0.0 : 0.5));
  each([&](std::int32_t label, T* here) { std::copy_n(means.data() + label * channels, channels, here); });
}

}  // namespace

void add_superpixels(nb::module_& m) {
  m.def(
      "superpixel_labels",
      [](const Features& features, std::int64_t rows, std::int64_t columns, std::int64_t near, std::int64_t far, int rounds,
         const Labels& labels) {
        const Cells cells{static_cast<std::int64_t>(features.shape(0)), static_cast<std::int64_t>(features.shape(1)),
                          static_cast<std::int64_t>(features.shape(2)), rows, columns};
        if (labels.shape(0) != features.shape(0) || labels.shape(1) != features.shape(1))
          throw nb::value_error("labels: not of the features' size");
        if (rows < 1 || columns < 1 || rows > cells.height || columns > cells.width)
          throw nb::value_error("rows, columns: expected 1 to the picture's sides");
        const std::uint8_t* data = features.data();
        std::int32_t* out = labels.data();
        const nb::gil_scoped_release released;
        for (std::int64_t y = 0; y < cells.height; ++y)
          for (std::int64_t x = 0; x < cells.width; ++x)
            out[y * cells.width + x] =
                static_cast<std::int32_t>(y * rows / cells.height * columns + x * columns / cells.width);
        std::vector<std::int64_t> centres(static_cast<std::size_t>(rows * columns * (cells.channels + 2)), 0);
        for (int round = 0; round < rounds; ++round) {
          settle(cells, data, out, centres);
          assign(cells, data, centres, near, far, out);
        }
      },
      nb::arg("features").noconvert(), nb::arg("rows"), nb::arg("columns"), nb::arg("near"), nb::arg("far"), nb::arg("rounds"),
      nb::arg("labels").noconvert());
  m.def(
      "flatten_segments",
      [](const AnyPicture& picture, const Labels& labels, std::int64_t factor, const Chosen& chosen) {
        const auto fits = [&](std::size_t axis) {
          return factor >= 1 && static_cast<std::int64_t>(labels.shape(axis)) * factor >= static_cast<std::int64_t>(picture.shape(axis));
        };
        if (!fits(0) || !fits(1)) throw nb::value_error("labels: fewer than the picture needs");
        const auto count = static_cast<std::int32_t>(chosen.shape(0));
        const std::int32_t* from = labels.data();
        for (std::size_t i = 0; i < labels.size(); ++i)
          if (from[i] < 0 || from[i] >= count) throw nb::value_error("labels: must lie in 0 .. the number of segments");
        const auto width = static_cast<std::int64_t>(labels.shape(1));
        const std::uint8_t* which = chosen.data();
        with_picture(picture, [=](auto view) { flatten(view, from, width, factor, which, static_cast<std::size_t>(count)); });
      },
      nb::arg("picture").noconvert(), nb::arg("labels").noconvert(), nb::arg("factor"), nb::arg("chosen").noconvert());
}

}  // namespace covary
