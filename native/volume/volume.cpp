// Warps of volumes: affine maps and coarse grids of displacements, one sampling for all of them.
//
// Axes are (z, y, x), as in the array (D, H, W, C). Positions are continuous: voxel i covers [i, i + 1). A map takes output
// positions to input positions; in a chain the last one, nearest to the output, comes first.
#include "volume.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include "rows.hpp"

namespace nb = nanobind;

namespace covary {

namespace {

// What is only read may be an array that is read-only, such as a file mapped into memory.
using Source = nb::ndarray<nb::ro, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Target = nb::ndarray<nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Colours = nb::ndarray<nb::ro, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using AnyMap = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Canvases = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

enum Border { constant, edge, reflect, symmetric, wrap };

// An affine map (a 3 x 4 matrix), or displacements at knots spread evenly over a canvas, its ends included.
struct Map {
  const double* matrix = nullptr;
  const float* knots = nullptr;
  std::int64_t counts[3] = {0, 0, 0};
  double rates[3] = {0, 0, 0};
  double canvas[3] = {0, 0, 0};
  // The same in single precision, for loops over voxels.
  float slopes[3] = {0, 0, 0}, ends[3] = {0, 0, 0};
};

// The positions of one row of the output: a straight line as long as only affine maps were met, then one by one.
struct Row {
  std::vector<float> at[3];
  std::vector<float> blended;
  explicit Row(std::int64_t width) {
    for (auto& axis : at) axis.resize(static_cast<std::size_t>(width));
  }
};

// Two knots and the share of the second for a position along an axis.
struct Cell {
  std::int64_t first, step;
  float share;
};

Cell cell_at(double position, const Map& map, int axis) {
  if (map.counts[axis] == 1) return {0, 0, 0.0F};
  const double held = std::clamp(position, 0.0, map.canvas[axis]) * map.rates[axis];
  const std::int64_t first = std::min(static_cast<std::int64_t>(held), map.counts[axis] - 2);
  return {first, 1, static_cast<float>(held - static_cast<double>(first))};
}

Cell cell_near(float position, const Map& map, int axis) {
  const float held = std::min(std::max(position, 0.0F), map.ends[axis]) * map.slopes[axis];
  const std::int32_t first = std::min(static_cast<std::int32_t>(held), static_cast<std::int32_t>(map.counts[axis]) - 2);
  return {first, 1, held - static_cast<float>(first)};
}

// Displacements along a row of the canvas itself: the knots of four rows become those of one.
void displace_row(const Map& map, double z, double y, std::int64_t width, Row& row) {
  const std::int64_t columns = map.counts[2];
  const Cell cz = cell_at(z, map, 0), cy = cell_at(y, map, 1);
  const auto knots_at = [&](std::int64_t dz, std::int64_t dy) {
    return map.knots + ((cz.first + dz) * map.counts[1] + cy.first + dy) * columns * 3;
  };
  const float *a = knots_at(0, 0), *b = knots_at(0, cy.step), *c = knots_at(cz.step, 0), *d = knots_at(cz.step, cy.step);
  row.blended.resize(static_cast<std::size_t>(columns * 3));
  for (std::int64_t i = 0; i < columns * 3; ++i) {
    const float near = a[i] + (b[i] - a[i]) * cy.share, far = c[i] + (d[i] - c[i]) * cy.share;
    row.blended[i] = near + (far - near) * cz.share;
  }
  const bool flat = columns == 1;
  for (std::int64_t x = 0; x < width; ++x) {
    const float place = static_cast<float>(x) + 0.5F;
    const Cell cx = flat ? Cell{0, 0, 0.0F} : cell_near(place, map, 2);
    const float *left = row.blended.data() + cx.first * 3, *right = left + cx.step * 3;
    row.at[0][x] = static_cast<float>(z) + left[0] + (right[0] - left[0]) * cx.share;
    row.at[1][x] = static_cast<float>(y) + left[1] + (right[1] - left[1]) * cx.share;
    row.at[2][x] = place + left[2] + (right[2] - left[2]) * cx.share;
  }
}

// Displacements at any positions.
void displace_points(const Map& map, std::int64_t width, Row& row) {
  const bool flat = std::min({map.counts[0], map.counts[1], map.counts[2]}) == 1;
  const auto cell = [&](float position, int axis) {
    return flat ? cell_at(position, map, axis) : cell_near(position, map, axis);
  };
  for (std::int64_t x = 0; x < width; ++x) {
    const Cell cz = cell(row.at[0][x], 0), cy = cell(row.at[1][x], 1), cx = cell(row.at[2][x], 2);
    const float* knots = map.knots + ((cz.first * map.counts[1] + cy.first) * map.counts[2] + cx.first) * 3;
    const std::int64_t right = cx.step * 3, below = cy.step * map.counts[2] * 3,
                       behind = cz.step * map.counts[1] * map.counts[2] * 3;
    float offset[3];
    for (int i = 0; i < 3; ++i) {
      const float* k = knots + i;
      const auto along = [&](std::int64_t from) { return k[from] + (k[from + right] - k[from]) * cx.share; };
      const float near = along(0) + (along(below) - along(0)) * cy.share;
      const float far = along(behind) + (along(behind + below) - along(behind)) * cy.share;
      offset[i] = near + (far - near) * cz.share;
    }
    for (int i = 0; i < 3; ++i) row.at[i][x] += offset[i];
  }
}

void find_row(const std::vector<Map>& maps, std::int64_t z, std::int64_t y, std::int64_t width, Row& row) {
  double start[3] = {static_cast<double>(z) + 0.5, static_cast<double>(y) + 0.5, 0.5}, step[3] = {0, 0, 1};
  bool straight = true, untouched = true;
  const auto lay = [&] {
    for (int i = 0; i < 3; ++i) {
      const auto from = static_cast<float>(start[i]), by = static_cast<float>(step[i]);
      float* to = row.at[i].data();
      for (std::int32_t x = 0; x < static_cast<std::int32_t>(width); ++x) to[x] = from + by * static_cast<float>(x);
    }
  };
  for (auto map = maps.rbegin(); map != maps.rend(); ++map) {
    if (map->matrix != nullptr && straight) {
      double moved[3], turned[3];
      for (int i = 0; i < 3; ++i) {
        const double* m = map->matrix + 4 * i;
        moved[i] = m[0] * start[0] + m[1] * start[1] + m[2] * start[2] + m[3];
        turned[i] = m[0] * step[0] + m[1] * step[1] + m[2] * step[2];
      }
      std::copy(moved, moved + 3, start);
      std::copy(turned, turned + 3, step);
    } else if (map->matrix != nullptr) {
      float m[12];
      std::copy(map->matrix, map->matrix + 12, m);
      for (std::int64_t x = 0; x < width; ++x) {
        const float pz = row.at[0][x], py = row.at[1][x], px = row.at[2][x];
        for (int i = 0; i < 3; ++i) row.at[i][x] = m[4 * i] * pz + m[4 * i + 1] * py + m[4 * i + 2] * px + m[4 * i + 3];
      }
    } else if (untouched) {
      displace_row(*map, start[0], start[1], width, row);
      straight = false;
    } else {
      if (straight) lay();
      displace_points(*map, width, row);
      straight = false;
    }
    untouched = false;
  }
  if (straight) lay();
}

// The voxel that stands for an index outside an axis of n, -1 where the fill does.
std::int64_t inside(std::int64_t index, std::int64_t n, Border border) {
  if (index >= 0 && index < n) return index;
  switch (border) {
    case constant:
      return -1;
    case edge:
      return std::clamp<std::int64_t>(index, 0, n - 1);
    case wrap:
      return ((index % n) + n) % n;
    default: {
      if (n == 1) return 0;
      const std::int64_t period = border == reflect ? 2 * (n - 1) : 2 * n, last = border == reflect ? period : period - 1;
      const std::int64_t folded = ((index % period) + period) % period;
      return std::min(folded, last - folded);
    }
  }
}

std::int64_t floor_index(float position) {
  return static_cast<std::int64_t>(std::floor(std::clamp(position, -1e9F, 1e9F)));
}

template <class T>
T stored(float value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    const float held = std::clamp(value, static_cast<float>(std::numeric_limits<T>::min()),
                                  static_cast<float>(std::numeric_limits<T>::max()));
    return static_cast<T>(static_cast<std::int32_t>(std::floor(held + 0.5F)));
  }
}

template <class T>
struct Sampler {
  const T* source;
  std::int64_t sides[3], channels, strides[3];
  const T* fill;
  Border border;
  bool by_eight = false;
  Block<T> block{};

  // One channel and 32-bit indices allow for eight voxels at a time.
  void prepare(bool simd) {
    const std::int64_t total = sides[0] * strides[0], reach = std::max<std::int64_t>(2, 4 / sizeof(T));
    by_eight = simd && channels == 1 && total < (std::int64_t{1} << 30);
    if (!by_eight) return;
    block.source = source;
    for (int axis = 0; axis < 2; ++axis) block.strides[axis] = static_cast<std::int32_t>(strides[axis]);
    for (int axis = 0; axis < 3; ++axis) block.last[axis] = static_cast<float>(sides[axis] - 1);
    block.safe = static_cast<std::int32_t>(total - strides[0] - strides[1] - reach);
  }

  const T* voxel(std::int64_t z, std::int64_t y, std::int64_t x) const {
    z = inside(z, sides[0], border);
    y = inside(y, sides[1], border);
    x = inside(x, sides[2], border);
    return z < 0 || y < 0 || x < 0 ? fill : source + z * strides[0] + y * strides[1] + x * strides[2];
  }

  void nearest(const Row& row, std::int64_t width, T* out) const {
    const float ends[3] = {static_cast<float>(sides[0]), static_cast<float>(sides[1]), static_cast<float>(sides[2])};
    for (std::int64_t i = 0; i < width; ++i, out += channels) {
      const float z = row.at[0][i], y = row.at[1][i], x = row.at[2][i];
      const T* from;
      if (z >= 0 && z < ends[0] && y >= 0 && y < ends[1] && x >= 0 && x < ends[2]) {
        from = source + static_cast<std::int32_t>(z) * strides[0] + static_cast<std::int32_t>(y) * strides[1] +
               static_cast<std::int32_t>(x) * strides[2];
      } else {
        from = voxel(floor_index(z), floor_index(y), floor_index(x));
      }
      if (channels == 1) {
        *out = *from;
      } else {
        std::copy(from, from + channels, out);
      }
    }
  }

  void blend(const T* const* corners, float tz, float ty, float tx, T* out) const {
    for (std::int64_t c = 0; c < channels; ++c) {
      float v[8];
      for (int k = 0; k < 8; ++k) v[k] = static_cast<float>(corners[k][c]);
      for (int k = 0; k < 8; k += 2) v[k] += (v[k + 1] - v[k]) * tx;
      const float near = v[0] + (v[2] - v[0]) * ty, far = v[4] + (v[6] - v[4]) * ty;
      out[c] = stored<T>(near + (far - near) * tz);
    }
  }

  void linear(const Row& row, std::int64_t width, T* out) const {
    std::int64_t first = 0;
#ifdef COVARY_AVX2
    if constexpr (sizeof(T) <= 4 && !std::is_same_v<T, std::uint32_t>) {
      for (; by_eight && first + 8 <= width; first += 8) {
        if (!eight_voxels(block, row.at[0].data() + first, row.at[1].data() + first, row.at[2].data() + first, out + first))
          one_by_one(row, first, first + 8, out);
      }
    }
#endif
    one_by_one(row, first, width, out);
  }

  void one_by_one(const Row& row, std::int64_t first, std::int64_t end, T* line) const {
    T* out = line + first * channels;
    const float last[3] = {static_cast<float>(sides[0] - 1), static_cast<float>(sides[1] - 1),
                           static_cast<float>(sides[2] - 1)};
    const auto off = [&](float position, int axis) { return position <= -1 || position >= last[axis] + 1; };
    for (std::int64_t i = first; i < end; ++i, out += channels) {
      const float z = row.at[0][i] - 0.5F, y = row.at[1][i] - 0.5F, x = row.at[2][i] - 0.5F;
      const T* corners[8];
      if (z >= 0 && z < last[0] && y >= 0 && y < last[1] && x >= 0 && x < last[2]) {
        const auto iz = static_cast<std::int32_t>(z), iy = static_cast<std::int32_t>(y), ix = static_cast<std::int32_t>(x);
        const float tz = z - static_cast<float>(iz), ty = y - static_cast<float>(iy), tx = x - static_cast<float>(ix);
        const T* from = source + iz * strides[0] + iy * strides[1] + ix * strides[2];
        if (channels == 1) {
          const T *below = from + strides[1], *behind = from + strides[0], *both = behind + strides[1];
          const auto along = [tx](const T* p) {
            const auto left = static_cast<float>(p[0]);
            return left + (static_cast<float>(p[1]) - left) * tx;
          };
          const float a = along(from), b = along(below), c = along(behind), d = along(both);
          const float near = a + (b - a) * ty, far = c + (d - c) * ty;
          *out = rounded(near + (far - near) * tz);
          continue;
        }
        for (int k = 0; k < 8; ++k)
          corners[k] = from + (k >> 2) * strides[0] + ((k >> 1) & 1) * strides[1] + (k & 1) * strides[2];
        blend(corners, tz, ty, tx, out);
      } else if (border == constant && (off(z, 0) || off(y, 1) || off(x, 2))) {
        std::copy(fill, fill + channels, out);
      } else {
        const std::int64_t iz = floor_index(z), iy = floor_index(y), ix = floor_index(x);
        for (int k = 0; k < 8; ++k) corners[k] = voxel(iz + (k >> 2), iy + ((k >> 1) & 1), ix + (k & 1));
        blend(corners, z - static_cast<float>(iz), y - static_cast<float>(iy), x - static_cast<float>(ix), out);
      }
    }
  }

  // What lies between values of the type needs no clipping.
  static T rounded(float value) {
    if constexpr (std::is_floating_point_v<T>) {
      return value;
    } else if constexpr (std::is_unsigned_v<T>) {
      return static_cast<T>(static_cast<std::int32_t>(value + 0.5F));
    } else {
      return static_cast<T>(static_cast<std::int32_t>(value + 32768.5F) - 32768);
    }
  }
};

// Calls `work` with each slice of [0, slices), on several threads.
template <class Work>
void share_slices(std::int64_t slices, std::int64_t threads, Work work) {
  const std::int64_t parts = std::clamp<std::int64_t>(threads, 1, slices);
  std::vector<std::thread> others;
  for (std::int64_t part = 1; part < parts; ++part)
    others.emplace_back([=] { work(slices * part / parts, slices * (part + 1) / parts); });
  work(std::int64_t{0}, slices / parts);
  for (auto& other : others) other.join();
}

template <class T>
void warp(const Source& source, const Target& out, const std::vector<Map>& maps, Border border, const void* fill,
          bool nearest, std::int64_t threads, bool simd) {
  Sampler<T> sampler{static_cast<const T*>(source.data()), {}, static_cast<std::int64_t>(source.shape(3)), {},
                     static_cast<const T*>(fill), border, false, {}};
  std::int64_t size[3];
  for (int axis = 0; axis < 3; ++axis) {
    sampler.sides[axis] = static_cast<std::int64_t>(source.shape(axis));
    size[axis] = static_cast<std::int64_t>(out.shape(axis));
  }
  sampler.strides[2] = sampler.channels;
  sampler.strides[1] = sampler.sides[2] * sampler.strides[2];
  sampler.strides[0] = sampler.sides[1] * sampler.strides[1];
  sampler.prepare(simd && has_avx2());
  T* data = static_cast<T*>(out.data());
  const nb::gil_scoped_release released;
  const std::int64_t enough = size[0] * size[1] * size[2] < (1 << 16) ? 1 : threads;
  share_slices(size[0], enough, [&](std::int64_t first, std::int64_t end) {
    Row row(size[2]);
    for (std::int64_t z = first; z < end; ++z) {
      for (std::int64_t y = 0; y < size[1]; ++y) {
        find_row(maps, z, y, size[2], row);
        T* line = data + (z * size[1] + y) * size[2] * sampler.channels;
        if constexpr (std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>) {
          sampler.nearest(row, size[2], line);
        } else if (nearest) {
          sampler.nearest(row, size[2], line);
        } else {
          sampler.linear(row, size[2], line);
        }
      }
    }
  });
}

std::vector<Map> parsed(const std::vector<AnyMap>& given, const Canvases& canvases) {
  if (canvases.shape(0) != given.size() || canvases.shape(1) != 3) throw nb::value_error("canvases: expected three sides a map");
  std::vector<Map> maps;
  for (std::size_t number = 0; number < given.size(); ++number) {
    const AnyMap& one = given[number];
    Map map;
    if (one.ndim() == 2 && one.shape(0) == 3 && one.shape(1) == 4 && one.dtype() == nb::dtype<double>()) {
      map.matrix = static_cast<const double*>(one.data());
    } else if (one.ndim() == 4 && one.shape(3) == 3 && one.size() > 0 && one.dtype() == nb::dtype<float>()) {
      map.knots = static_cast<const float*>(one.data());
      for (int axis = 0; axis < 3; ++axis) {
        map.counts[axis] = static_cast<std::int64_t>(one.shape(axis));
        map.canvas[axis] = canvases.data()[number * 3 + axis];
        map.rates[axis] = static_cast<double>(map.counts[axis] - 1) / map.canvas[axis];
        map.slopes[axis] = static_cast<float>(map.rates[axis]);
        map.ends[axis] = static_cast<float>(map.canvas[axis]);
      }
    } else {
      throw nb::type_error("maps: expected (3, 4) float64 matrices and (gd, gh, gw, 3) float32 grids");
    }
    maps.push_back(map);
  }
  return maps;
}

}  // namespace

void add_volume(nb::module_& m) {
  m.def(
      "warp_volume",
      [](const Source& source, const Target& out, const std::vector<nb::object>& given, const Canvases& canvases,
         int border, const Colours& fill, bool nearest, std::int64_t threads, bool simd) {
        std::vector<AnyMap> arrays;
        for (const nb::object& one : given) arrays.push_back(nb::cast<AnyMap>(one));
        const std::vector<Map> maps = parsed(arrays, canvases);
        const nb::dlpack::dtype type = source.dtype();
        if (out.dtype() != type || fill.dtype() != type) throw nb::type_error("out, fill: expected the source's dtype");
        if (out.shape(3) != source.shape(3) || fill.shape(0) != source.shape(3))
          throw nb::value_error("out, fill: expected the source's channels");
        if (source.size() == 0 || out.size() == 0) throw nb::value_error("source, out: no axis may be empty");
        if (border < 0 || border > wrap) throw nb::value_error("border: expected 0 to 4");
        const auto call = [&](auto zero) {
          warp<decltype(zero)>(source, out, maps, static_cast<Border>(border), fill.data(), nearest, threads, simd);
        };
        if (type == nb::dtype<std::uint8_t>()) return call(std::uint8_t{});
        if (type == nb::dtype<std::uint16_t>()) return call(std::uint16_t{});
        if (type == nb::dtype<std::int16_t>()) return call(std::int16_t{});
        if (type == nb::dtype<float>()) return call(float{});
        if (!nearest) throw nb::type_error("source: expected uint8, uint16, int16 or float32");
        if (type == nb::dtype<std::uint32_t>()) return call(std::uint32_t{});
        if (type == nb::dtype<std::uint64_t>()) return call(std::uint64_t{});
        throw nb::type_error("source: expected uint8, uint16, uint32 or uint64");
      },
      nb::arg("source").noconvert(), nb::arg("out").noconvert(), nb::arg("maps"), nb::arg("canvases").noconvert(),
      nb::arg("border"), nb::arg("fill").noconvert(), nb::arg("nearest"), nb::arg("threads"), nb::arg("simd"));
}

}  // namespace covary
