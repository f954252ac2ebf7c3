#include "boxes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace covary {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Extent {
  double low = infinity;
  double high = -infinity;
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// How far a quadrilateral reaches along u where its v lies in [0, end]. As it is convex, cutting it along u afterwards is
// cutting this interval: so neither axis needs the polygon that clipping both would leave.
Extent reach(const double* u, const double* v, double end) {
  Extent extent;
  for (int i = 0; i < 4; ++i) {
    const int last = (i + 3) % 4;
    if (v[i] >= 0 && v[i] <= end) extent.take(u[i]);
    for (const double level : {0.0, end}) {
      if ((v[i] < level) != (v[last] < level)) {
        extent.take(u[last] + (u[i] - u[last]) * ((level - v[last]) / (v[i] - v[last])));
      }
    }
  }
  return extent;
}

}  // namespace

bool cut_boxes(const double* boxes, std::int64_t n, const double* map, double width, double height, double* cut) {
  bool intact = true;
  for (std::int64_t i = 0; i < n; ++i, boxes += 4, cut += 4) {
    const int columns[4] = {0, 2, 2, 0};
    const int rows[4] = {1, 1, 3, 3};
    double x[4], y[4];
    for (int k = 0; k < 4; ++k) {
      const double px = boxes[columns[k]], py = boxes[rows[k]];
      x[k] = map[0] * px + map[1] * py + map[2];
      y[k] = map[3] * px + map[4] * py + map[5];
    }
    const Extent across = reach(x, y, height), down = reach(y, x, width);
    cut[0] = std::max(across.low, 0.0);
    cut[1] = std::max(down.low, 0.0);
    cut[2] = std::min(across.high, width);
    cut[3] = std::min(down.high, height);
    if (!(cut[0] < cut[2] && cut[1] < cut[3])) {
      intact = false;
      std::fill(cut, cut + 4, std::numeric_limits<double>::quiet_NaN());
    }
  }
  return intact;
}

}  // namespace covary
