// The geometry of one sample: the chain of maps from an output pixel's centre to the source, in its simplest form.
namespace covary::COVARY_ENGINE {

enum class Form : std::uint8_t {
  none,     // every pixel stays
  exact,    // flips, quarter turns and whole-pixel moves
  axes,     // scales along the axes, moves
  affine,
  general,  // projective, displaced
};

struct Link {
  bool warp = true;
  double m[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  Grid grid;
  double per_x = 0;  // knots per pixel
  double per_y = 0;
  double canvas_height = 0;
  double canvas_width = 0;
};

struct Geometry {
  Form form = Form::none;
  Link* links = nullptr;  // in order of evaluation: the last change first
  std::int64_t count = 0;
  double m[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};  // the whole map, unless displaced
  bool displaced = false;
  double scale_x = 1;  // of the level that is sampled
  double scale_y = 1;
  // Of the exact form: source x = turn_x * (transposed ? y : x) + move_x, and so for y.
  bool transposed = false;
  std::int64_t turn_x = 1, turn_y = 1, move_x = 0, move_y = 0;
};

inline void multiply(const double a[9], const double b[9], double out[9]) {
  double product[9];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) product[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
  std::memcpy(out, product, sizeof product);
}

inline bool all_zero(const Grid& grid) {
  const std::int64_t n = grid.rows * grid.columns * 2;
  for (std::int64_t i = 0; i < n; ++i)
    if (grid.knots[i] != 0.0F) return false;
  return true;
}

// Whether t = a * centre + move hits pixel centres alone, up to an error far below what can be seen.
inline bool whole_axis(double a, double move, double extent, std::int64_t& turn, std::int64_t& shift) {
  turn = a > 0 ? 1 : -1;
  if (!(std::fabs(a - static_cast<double>(turn)) * extent < 1e-6) || !(std::fabs(move) < 0.5 * far_away)) return false;
  const double rounded = std::nearbyint(move);
  if (!(std::fabs(move - rounded) < 1e-6)) return false;
  shift = static_cast<std::int64_t>(rounded) - (turn < 0 ? 1 : 0);
  return true;
}

inline void classify(Geometry& g, std::int64_t out_height, std::int64_t out_width, std::int64_t height, std::int64_t width) {
  double* m = g.m;
  bool finite = true;
  for (int i = 0; i < 9; ++i) finite = finite && std::isfinite(m[i]);
  g.form = Form::general;
  if (g.displaced || !finite || m[6] != 0.0 || m[7] != 0.0 || !(m[8] > 0.0)) return;
  if (m[8] != 1.0) {
    for (int i = 0; i < 6; ++i) m[i] /= m[8];
    m[8] = 1.0;
  }
  for (int i = 0; i < 6; ++i) finite = finite && std::isfinite(m[i]);
  if (!finite) return;
  g.form = Form::affine;
  const auto w = static_cast<double>(out_width);
  const auto h = static_cast<double>(out_height);
  const bool straight = std::fabs(m[1]) * h < 1e-7 && std::fabs(m[3]) * w < 1e-7;
  const bool turned = std::fabs(m[0]) * w < 1e-7 && std::fabs(m[4]) * h < 1e-7;
  if (straight && whole_axis(m[0], m[2], w, g.turn_x, g.move_x) && whole_axis(m[4], m[5], h, g.turn_y, g.move_y)) {
    g.form = Form::exact;
    const bool identity = g.turn_x == 1 && g.turn_y == 1 && g.move_x == 0 && g.move_y == 0;
    if (identity && out_height == height && out_width == width) g.form = Form::none;
  } else if (turned && whole_axis(m[1], m[2], h, g.turn_x, g.move_x) && whole_axis(m[3], m[5], w, g.turn_y, g.move_y)) {
    g.form = Form::exact;
    g.transposed = true;
  } else if (straight && is_near(std::fabs(m[0]) * w + std::fabs(m[2])) && is_near(std::fabs(m[4]) * h + std::fabs(m[5]))) {
    g.form = Form::axes;
  }
}

// The sample's chain. `height` and `width` are those of the source before any halving.
inline Geometry geometry_of(const Stage& stage, std::int64_t b, std::int64_t height, std::int64_t width, double scale_x,
                            double scale_y, std::int64_t level_height, std::int64_t level_width, Scratch& scratch) {
  Geometry g;
  const std::int64_t out_height = stage.size[2 * b];
  const std::int64_t out_width = stage.size[2 * b + 1];
  const auto n = static_cast<std::int64_t>(stage.coordinates.size());
  if (n == 0 && scale_x == 1.0 && scale_y == 1.0) return g;
  g.links = static_cast<Link*>(scratch.piece(sizeof(Link) * static_cast<std::size_t>(n + 1)));
  g.scale_x = scale_x;
  g.scale_y = scale_y;
  // Forwards, to know each canvas; stored so that evaluation runs backwards.
  double canvas_height = static_cast<double>(height);
  double canvas_width = static_cast<double>(width);
  Link* end = g.links + n + 1;
  Link* first = end;
  for (std::int64_t k = 0; k < n; ++k) {
    const Coordinate& coordinate = stage.coordinates[static_cast<std::size_t>(k)];
    Link link;
    if (coordinate.warp) {
      std::memcpy(link.m, &coordinate.matrix[static_cast<std::size_t>(9 * b)], sizeof link.m);
      canvas_height = static_cast<double>(coordinate.size[static_cast<std::size_t>(2 * b)]);
      canvas_width = static_cast<double>(coordinate.size[static_cast<std::size_t>(2 * b + 1)]);
      if (first != end && first->warp) {
        multiply(first->m, link.m, first->m);
        continue;
      }
    } else {
      link.grid = coordinate.grids[static_cast<std::size_t>(b)];
      if (all_zero(link.grid)) continue;
      link.warp = false;
      g.displaced = true;
      link.canvas_height = canvas_height;
      link.canvas_width = canvas_width;
      link.per_x = canvas_width > 0 ? static_cast<double>(link.grid.columns - 1) / canvas_width : 0.0;
      link.per_y = canvas_height > 0 ? static_cast<double>(link.grid.rows - 1) / canvas_height : 0.0;
    }
    *--first = link;
  }
  g.links = first;
  g.count = end - first;
  if (!g.displaced && g.count == 1) std::memcpy(g.m, first->m, sizeof g.m);
  for (int i = 0; i < 3; ++i) {
    g.m[i] *= scale_x;
    g.m[3 + i] *= scale_y;
  }
  classify(g, out_height, out_width, level_height, level_width);
  return g;
}

// Whether all knots are numbers and move less than a million pixels.
inline bool is_tame(const Grid& grid) {
  constexpr float most = 1e6F;
  bool tame = true;
  for (std::int64_t i = 0; i < grid.rows * grid.columns * 2; ++i) tame = tame & (std::fabs(grid.knots[i]) < most);
  return tame;
}

// x += grid(x, y).x and so for y: bilinear between the knots, the nearest edge's value beyond them. NaN stays NaN.
inline void displace(const Link& link, int n, double* COVARY_RESTRICT x, double* COVARY_RESTRICT y) {
  const Grid& grid = link.grid;
  const auto last_x = static_cast<double>(grid.columns - 1);
  const auto last_y = static_cast<double>(grid.rows - 1);
  const std::int64_t right = grid.columns > 1 ? 2 : 0;
  const std::int64_t down = grid.rows > 1 ? 2 * grid.columns : 0;
  for (int i = 0; i < n; ++i) {
    double u = x[i] * link.per_x;
    double v = y[i] * link.per_y;
    u = u > 0 ? u : 0;
    u = u < last_x ? u : last_x;
    v = v > 0 ? v : 0;
    v = v < last_y ? v : last_y;
    std::int64_t column = static_cast<std::int64_t>(u);
    std::int64_t row = static_cast<std::int64_t>(v);
    column = column < grid.columns - 2 ? column : (grid.columns > 1 ? grid.columns - 2 : 0);
    row = row < grid.rows - 2 ? row : (grid.rows > 1 ? grid.rows - 2 : 0);
    const double fx = u - static_cast<double>(column);
    const double fy = v - static_cast<double>(row);
    const float* k = grid.knots + 2 * (row * grid.columns + column);
    const double ax = k[0] + fx * (static_cast<double>(k[right]) - k[0]);
    const double ay = k[1] + fx * (static_cast<double>(k[right + 1]) - k[1]);
    const float* l = k + down;
    const double bx = l[0] + fx * (static_cast<double>(l[right]) - l[0]);
    const double by = l[1] + fx * (static_cast<double>(l[right + 1]) - l[1]);
    x[i] += ax + fy * (bx - ax);
    y[i] += ay + fy * (by - ay);
  }
}

// The displacement of the output raster by a grid, row by row. Each pixel's cell and its place within are the same in all
// rows; two rows of knots become one for each row.
struct Ramp {
  const Link* link = nullptr;
  std::int32_t* cells = nullptr;
  float* parts = nullptr;
  float *knots_x = nullptr, *knots_y = nullptr;  // at this height
  float *steps_x = nullptr, *steps_y = nullptr;  // what the next knot has more
  std::int64_t y = -1;
  bool narrow = false;  // eight neighbouring pixels lie in seven cells at most

  Ramp() = default;

  // For a geometry whose last change is a displacement; any other needs none.
  Ramp(const Geometry& g, std::int64_t width, Scratch& scratch) {
    if (g.count == 0 || g.links[0].warp) return;
    link = g.links;
    const std::int64_t columns = link->grid.columns;
    const auto room = [&](std::int64_t n) { return scratch.piece(4 * static_cast<std::size_t>(n + lanes)); };
    cells = static_cast<std::int32_t*>(room(width));
    parts = static_cast<float*>(room(width));
    for (float** row : {&knots_x, &knots_y, &steps_x, &steps_y}) *row = static_cast<float*>(room(columns));
    for (std::int64_t i = 0; i < width + lanes; ++i) {  // eight at a time reach beyond the end
      const double u = std::min((static_cast<double>(i) + 0.5) * link->per_x, static_cast<double>(columns - 1));
      const std::int64_t cell = std::max<std::int64_t>(std::min(static_cast<std::int64_t>(u), columns - 2), 0);
      cells[i] = static_cast<std::int32_t>(cell);
      parts[i] = static_cast<float>(u - static_cast<double>(cell));
    }
    narrow = 7.0 * link->per_x <= lanes - 2;
  }

  void start(std::int64_t row) {
    if (y == row) return;
    y = row;
    const Grid& grid = link->grid;
    double v = (static_cast<double>(row) + 0.5) * link->per_y;
    const auto last = static_cast<double>(grid.rows - 1);
    v = v < last ? v : last;
    std::int64_t cell = static_cast<std::int64_t>(v);
    cell = cell < grid.rows - 2 ? cell : (grid.rows > 1 ? grid.rows - 2 : 0);
    const auto f = static_cast<float>(v - static_cast<double>(cell));
    const float* COVARY_RESTRICT a = grid.knots + 2 * cell * grid.columns;
    const float* COVARY_RESTRICT c = a + (grid.rows > 1 ? 2 * grid.columns : 0);
    float *COVARY_RESTRICT to_x = knots_x, *COVARY_RESTRICT to_y = knots_y;
    for (std::int64_t i = 0; i < grid.columns; ++i) {
      to_x[i] = a[2 * i] + f * (c[2 * i] - a[2 * i]);
      to_y[i] = a[2 * i + 1] + f * (c[2 * i + 1] - a[2 * i + 1]);
    }
    const auto step = [&](const float* COVARY_RESTRICT knots, float* COVARY_RESTRICT steps) {
      for (std::int64_t i = 0; i + 1 < grid.columns; ++i) steps[i] = knots[i + 1] - knots[i];
      steps[grid.columns - 1] = 0.0F;
    };
    step(knots_x, steps_x);
    step(knots_y, steps_y);
  }

  // Of pixels x0 .. x0 + n of the row that was started; room for a chunk.
  void offsets(std::int64_t x0, int n, float* COVARY_RESTRICT x, float* COVARY_RESTRICT y_out) const {
    const std::int32_t* COVARY_RESTRICT cell = cells + x0;
    const float* COVARY_RESTRICT part = parts + x0;
#if defined(COVARY_ENGINE_AVX2)
    if (narrow) {
      for (int i = 0; i < n; i += lanes) {
        const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cell + i));
        const __m256i behind = _mm256_sub_epi32(at, _mm256_set1_epi32(cell[i]));
        const __m256 within = _mm256_loadu_ps(part + i);
        const auto along = [&](const float* knots, const float* steps) {
          const __m256 from = _mm256_permutevar8x32_ps(_mm256_loadu_ps(knots + cell[i]), behind);
          const __m256 step = _mm256_permutevar8x32_ps(_mm256_loadu_ps(steps + cell[i]), behind);
          return _mm256_add_ps(from, _mm256_mul_ps(within, step));
        };
        _mm256_storeu_ps(x + i, along(knots_x, steps_x));
        _mm256_storeu_ps(y_out + i, along(knots_y, steps_y));
      }
      return;
    }
#endif
    for (int i = 0; i < n; ++i) {
      x[i] = knots_x[cell[i]] + part[i] * steps_x[cell[i]];
      y_out[i] = knots_y[cell[i]] + part[i] * steps_y[cell[i]];
    }
  }
};

// Continuous source positions, on the level that is sampled, of output pixels (x0 .. x0 + n, y).
inline void positions(const Geometry& g, Ramp& ramp, std::int64_t y, std::int64_t x0, int n, double* COVARY_RESTRICT px,
                      double* COVARY_RESTRICT py) {
  const auto left = static_cast<double>(x0);
  for (int i = 0; i < n; ++i) {
    px[i] = left + (static_cast<double>(i) + 0.5);
    py[i] = static_cast<double>(y) + 0.5;
  }
  for (std::int64_t k = 0; k < g.count; ++k) {
    const Link& link = g.links[k];
    if (!link.warp) {
      if (k == 0) {
        alignas(32) float moved_x[chunk], moved_y[chunk];
        ramp.start(y);
        ramp.offsets(x0, n, moved_x, moved_y);
        for (int i = 0; i < n; ++i) {
          px[i] += static_cast<double>(moved_x[i]);
          py[i] += static_cast<double>(moved_y[i]);
        }
      } else {
        displace(link, n, px, py);
      }
      continue;
    }
    const double* m = link.m;
    if (m[6] == 0.0 && m[7] == 0.0 && m[8] == 1.0) {
      for (int i = 0; i < n; ++i) {
        const double x = m[0] * px[i] + m[1] * py[i] + m[2];
        py[i] = m[3] * px[i] + m[4] * py[i] + m[5];
        px[i] = x;
      }
    } else {
      constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();
      for (int i = 0; i < n; ++i) {
        const double w = m[6] * px[i] + m[7] * py[i] + m[8];
        const double x = (m[0] * px[i] + m[1] * py[i] + m[2]) / w;
        const double v = (m[3] * px[i] + m[4] * py[i] + m[5]) / w;
        px[i] = w > 0 ? x : nowhere;
        py[i] = w > 0 ? v : nowhere;
      }
    }
  }
  if (g.scale_x != 1.0 || g.scale_y != 1.0) {
    for (int i = 0; i < n; ++i) {
      px[i] *= g.scale_x;
      py[i] *= g.scale_y;
    }
  }
}

}  // namespace covary::COVARY_ENGINE
