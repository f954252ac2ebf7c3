// Fractal noise: grids of uniform numbers, each twice as fine as the one before, spread over the finest and added.
#include <algorithm>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

using Streams = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Weights = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Grids = nb::ndarray<double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// A number in [0, 1) of 53 bits, as `stream_uniforms` has them.
double uniform(Words& words) {
  const std::uint64_t low = words.next(), high = words.next();
  return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
}

// A grid of n x n knots with a new one between each two: first between the rows, then between the columns.
void refine(const double* from, std::int64_t n, double* to) {
  const std::int64_t side = 2 * n - 1;
  for (std::int64_t y = 0; y < side; ++y) {
    const double* above = from + y / 2 * n;
    const double* below = y % 2 == 0 ? above : above + n;
    double* row = to + y * side;
    for (std::int64_t x = 0; x < n; ++x) row[2 * x] = y % 2 == 0 ? above[x] : 0.5 * (above[x] + below[x]);
    for (std::int64_t x = 0; x + 1 < n; ++x) row[2 * x + 1] = 0.5 * (row[2 * x] + row[2 * x + 2]);
  }
}

// From 0 at the lowest knot to 1 at the highest.
void spread(double* grid, std::int64_t count) {
  const double low = *std::min_element(grid, grid + count), high = *std::max_element(grid, grid + count);
  const double range = std::max(high - low, 1e-12);
  for (std::int64_t i = 0; i < count; ++i) grid[i] = (grid[i] - low) / range;
}

void grow(std::uint64_t stream, const double* weights, std::int64_t octaves, double* out) {
  Words words(stream, 0);
  std::vector<double> coarse(4, 0.0), fine;
  std::int64_t side = 2;
  for (std::int64_t octave = 0; octave < octaves; ++octave) {
    if (octave > 0) {
      fine.resize(static_cast<std::size_t>((2 * side - 1) * (2 * side - 1)));
      refine(coarse.data(), side, fine.data());
      coarse.swap(fine);
      side = 2 * side - 1;
    }
    for (double& knot : coarse) knot += uniform(words) * weights[octave];
  }
  std::copy(coarse.begin(), coarse.end(), out);
  spread(out, side * side);
}

}  // namespace

void add_clouds(nb::module_& m) {
  m.def(
      "grow_clouds",
      [](const Streams& streams, const Weights& weights, const Grids& grids) {
        const std::size_t count = streams.shape(0), octaves = weights.shape(1), side = grids.shape(1);
        if (octaves < 1 || octaves > 12 || side != (std::size_t{1} << (octaves - 1)) + 1 || grids.shape(2) != side)
          throw nb::value_error("grids: expected 2**(octaves - 1) + 1 knots along each side");
        if (weights.shape(0) != count || grids.shape(0) != count) throw nb::value_error("expected one of each for every stream");
        const nb::gil_scoped_release released;
        for (std::size_t b = 0; b < count; ++b)
          grow(streams.data()[b], weights.data() + b * octaves, static_cast<std::int64_t>(octaves), grids.data() + b * side * side);
      },
      nb::arg("streams").noconvert(), nb::arg("weights").noconvert(), nb::arg("grids").noconvert());
}

}  // namespace covary
