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

constexpr double tolerance = 1e-6;  // of the image's longer side: by this much rounding may turn a box inside out
constexpr double farthest = 4;      // image sizes from the origin: fractions beyond are pixels given under the wrong format

struct Edges {
  double x0, y0, x1, y1;
  bool extended() const { return x0 < x1 && y0 < y1; }
  double area() const { return (x1 - x0) * (y1 - y0); }
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

struct Corners {
  double x[4], y[4];

  Corners(const Edges& box, const double* map) {
    const double px[4] = {box.x0, box.x1, box.x1, box.x0}, py[4] = {box.y0, box.y0, box.y1, box.y1};
    for (int k = 0; k < 4; ++k) {
      x[k] = map[0] * px[k] + map[1] * py[k] + map[2];
      y[k] = map[3] * px[k] + map[4] * py[k] + map[5];
    }
  }

  Edges around() const {
    const auto [left, right] = std::minmax({x[0], x[1], x[2], x[3]});
    const auto [top, bottom] = std::minmax({y[0], y[1], y[2], y[3]});
    return {left, top, right, bottom};
  }

  Edges around_visible(double width, double height) const {
    const Extent across = reach(x, y, height), down = reach(y, x, width);
    return {std::max(across.low, 0.0), std::max(down.low, 0.0), std::min(across.high, width), std::min(down.high, height)};
  }
};

bool read_box(const double* box, BoxFormat format, double width, double height, Edges& edges) {
  double v[4] = {box[0], box[1], box[2], box[3]};
  if (format == BoxFormat::yolo || format == BoxFormat::normalised) {
    for (int k = 0; k < 4; ++k) {
      if (!(std::abs(v[k]) <= farthest)) return false;
      v[k] *= k % 2 == 0 ? width : height;
    }
  }
  if (format == BoxFormat::coco) {
    v[2] += v[0];
    v[3] += v[1];
  } else if (format == BoxFormat::yolo) {
    for (int k = 0; k < 2; ++k) {
      const double half = v[k + 2] * 0.5;
      v[k + 2] = v[k] + half;
      v[k] -= half;
    }
  }
  const double least = -tolerance * std::max(width, height);
  for (int k = 0; k < 2; ++k) {
    if (!std::isfinite(v[k]) || !std::isfinite(v[k + 2])) return false;
    const double extent = v[k + 2] - v[k];
    if (!(extent >= least && extent < infinity)) return false;
    v[k + 2] = std::max(v[k + 2], v[k]);
  }
  edges = {v[0], v[1], v[2], v[3]};
  return true;
}

}  // namespace

bool invert_affine(const double* m, double* map) {
  const double a = m[0], b = m[1], c = m[2], d = m[3], e = m[4], f = m[5], i = m[8];
  if (m[6] != 0 || m[7] != 0 || !(i > 0)) return false;
  const double area = a * e - b * d, n = i / area;
  if (!(area < 0 || area > 0) || !std::isfinite(area) || !std::isfinite(n)) return false;
  const double inverse[6] = {e * n, -b * n, (b * f - c * e) / area, -d * n, a * n, (c * d - a * f) / area};
  for (int k = 0; k < 6; ++k) {
    if (!std::isfinite(inverse[k])) return false;
    map[k] = inverse[k];
  }
  return true;
}

bool carry_boxes(const double* boxes, std::int64_t n, std::int64_t columns, const BoxRules& rules, double width, double height,
                 const std::vector<AffineLeg>& legs, CarriedBoxes& carried) {
  carried.edges.reserve(static_cast<std::size_t>(4 * n));
  carried.rows.reserve(static_cast<std::size_t>(n));
  for (std::int64_t row = 0; row < n; ++row, boxes += columns) {
    Edges whole;
    if (!read_box(boxes, rules.format, width, height, whole)) return false;
    Edges seen = {std::min(std::max(whole.x0, 0.0), width), std::min(std::max(whole.y0, 0.0), height),
                  std::min(std::max(whole.x1, 0.0), width), std::min(std::max(whole.y1, 0.0), height)};
    double visibility = 1;
    for (const AffineLeg& leg : legs) {
      if (!seen.extended()) break;
      const Corners corners(seen, leg.map);
      seen = corners.around_visible(leg.width, leg.height);
      if (rules.min_visibility > 0) visibility *= seen.area() / corners.around().area();
      if (!rules.clip) whole = Corners(whole, leg.map).around();
    }
    if (!seen.extended()) continue;
    if (!(seen.area() >= rules.min_area && visibility >= rules.min_visibility - 1e-9)) continue;
    const Edges& edges = rules.clip ? seen : whole;
    carried.edges.insert(carried.edges.end(), {edges.x0, edges.y0, edges.x1, edges.y1});
    carried.rows.push_back(row);
  }
  return true;
}

template <class T>
void write_boxes(const CarriedBoxes& carried, const double* boxes, std::int64_t columns, const BoxRules& rules, double width,
                 double height, T* written) {
  const double* edges = carried.edges.data();
  const T sides[2] = {static_cast<T>(width), static_cast<T>(height)};
  for (const std::int64_t row : carried.rows) {
    const double low[2] = {edges[0], edges[1]}, high[2] = {edges[2], edges[3]};
    for (int k = 0; k < 2; ++k) {
      const double side = k == 0 ? width : height;
      T& first = written[k];
      T& second = written[k + 2];
      if (rules.format == BoxFormat::normalised) {
        first = static_cast<T>(low[k] / side);
        second = static_cast<T>(high[k] / side);
      } else if (rules.format == BoxFormat::yolo) {
        first = static_cast<T>((low[k] + high[k]) / (2 * side));
        second = static_cast<T>((high[k] - low[k]) / side);
        if (rules.clip) {
          first = std::min(first, T(1));
          second = std::min(second, std::min(first, T(1) - first) * T(2));
        }
      } else {
        first = static_cast<T>(low[k]);
        second = static_cast<T>(rules.format == BoxFormat::coco ? high[k] - low[k] : high[k]);
        if (rules.clip && rules.format == BoxFormat::coco && first + second > sides[k]) second = std::nextafter(second, T(0));
      }
    }
    const double* further = boxes + row * columns;
    for (std::int64_t k = 4; k < columns; ++k) written[k] = static_cast<T>(further[k]);
    edges += 4;
    written += columns;
  }
}

template void write_boxes<float>(const CarriedBoxes&, const double*, std::int64_t, const BoxRules&, double, double, float*);
template void write_boxes<double>(const CarriedBoxes&, const double*, std::int64_t, const BoxRules&, double, double, double*);

}  // namespace covary
