#include "points.hpp"

#include <cmath>
#include <limits>

namespace covary {

namespace {

constexpr double edge = 1e-6;  // px by which rounding may push a point over the canvas' edge

bool on_canvas(double x, double y, double width, double height) {
  return x >= -edge && x <= width + edge && y >= -edge && y <= height + edge;
}

}  // namespace

template <class T>
std::vector<std::int64_t> carry_points(T* points, std::int64_t n, std::int64_t columns, const PointRules& rules, double width,
                                       double height, const std::vector<AffineLeg>& legs) {
  std::vector<std::int64_t> kept;
  kept.reserve(static_cast<std::size_t>(n));
  for (std::int64_t row = 0; row < n; ++row, points += columns) {
    double x = points[0] + T(0.5), y = points[1] + T(0.5);
    bool seen = on_canvas(x, y, width, height);
    for (const AffineLeg& leg : legs) {
      if (!leg.still) {
        // Rounded once where a matrix product with fused multiplication rounds once, on every machine.
        const double right = std::fma(y, leg.map[1], x * leg.map[0]) + leg.map[2];
        y = std::fma(y, leg.map[4], x * leg.map[3]) + leg.map[5];
        x = right;
      }
      seen = seen && on_canvas(x, y, leg.width, leg.height);
    }
    const bool labelled = !rules.visibility || points[2] > T(0);
    if (labelled && !legs.empty()) {
      points[0] = static_cast<T>(x - 0.5);
      points[1] = static_cast<T>(y - 0.5);
    }
    seen = seen || !labelled;
    if (seen || rules.outside != PointRules::Outside::drop) kept.push_back(row);
    if (seen || rules.outside != PointRules::Outside::hide) continue;
    if (rules.visibility) {
      points[2] = T(0);
    } else {
      points[0] = points[1] = std::numeric_limits<T>::quiet_NaN();
    }
  }
  return kept;
}

template std::vector<std::int64_t> carry_points<float>(float*, std::int64_t, std::int64_t, const PointRules&, double, double,
                                                       const std::vector<AffineLeg>&);
template std::vector<std::int64_t> carry_points<double>(double*, std::int64_t, std::int64_t, const PointRules&, double, double,
                                                        const std::vector<AffineLeg>&);

}  // namespace covary
