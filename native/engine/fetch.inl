// Where a row's values come from. A fetcher fills one planar row, and says how much of each pixel the source covers.
namespace covary::COVARY_ENGINE {

struct Fetcher {
  virtual ~Fetcher() = default;
  // Fills `row`; where `coverage` is not null and some pixel lies partly outside, fills it and returns true.
  virtual bool fetch(std::int64_t y, Planes row, float* coverage) = 0;
  // Fetches a row and stores it as bytes in pixel order at once, where that can be done faster; else returns false.
  virtual bool fetch_bytes(std::int64_t /*y*/, std::uint8_t* /*pixels*/) { return false; }
};

// Every pixel stays where it is.
template <class T>
struct Standing final : Fetcher {
  Picture in;
  explicit Standing(const Picture& picture) : in(picture) {}
  bool fetch(std::int64_t y, Planes row, float* /*coverage*/) override {
    widen_row(reinterpret_cast<const T*>(in.data) + y * in.width * in.channels, in.width, in.channels, row);
    return false;
  }
};

// Exact geometry: whole pixels by tables of offsets.
template <class T>
struct Moved final : Fetcher {
  Picture in;
  std::int64_t width;
  bool transposed;
  std::int64_t* along;   // offset of each output x
  std::int64_t* across;  // offset of each output y
  std::int64_t first = 0, end = 0;  // output x inside the source
  bool forward;
  const Geometry g;

  Moved(const Picture& picture, const Geometry& geometry, Border border, std::int64_t out_height, std::int64_t out_width,
        Scratch& scratch)
      : in(picture), width(out_width), transposed(geometry.transposed), g(geometry) {
    along = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(out_width)));
    across = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(out_height)));
    const std::int64_t column = in.channels;
    const std::int64_t line = in.width * in.channels;
    const std::int64_t n = transposed ? in.height : in.width;
    const std::int64_t turn = transposed ? g.turn_y : g.turn_x;
    const std::int64_t move = transposed ? g.move_y : g.move_x;
    first = out_width;
    for (std::int64_t x = 0; x < out_width; ++x) {
      const std::int64_t at = turn * x + move;
      along[x] = border_index(at, n, border) * (transposed ? line : column);
      if (at >= 0 && at < n) {
        first = std::min(first, x);
        end = x + 1;
      }
    }
    if (end == 0) first = 0;
    for (std::int64_t y = 0; y < out_height; ++y)
      across[y] = transposed ? border_index(g.turn_x * y + g.move_x, in.width, border) * column
                             : border_index(g.turn_y * y + g.move_y, in.height, border) * line;
    forward = !transposed && turn > 0 && end > first;
  }

  bool fetch(std::int64_t y, Planes row, float* coverage) override {
    const T* data = reinterpret_cast<const T*>(in.data) + across[y];
    const std::int64_t channels = in.channels;
    const auto by_table = [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = 0; c < channels; ++c) {
        float* COVARY_RESTRICT plane = row[c];
        for (std::int64_t x = from; x < to; ++x) plane[x] = static_cast<float>(data[along[x] + c]);
      }
    };
    if (forward) {
      by_table(0, first);
      widen_row(data + along[first], end - first, channels, Planes{row.data + first, row.stride});
      by_table(end, width);
    } else {
      by_table(0, width);
    }
    if (coverage == nullptr) return false;
    const std::int64_t at = transposed ? g.turn_x * y + g.move_x : g.turn_y * y + g.move_y;
    const bool line_inside = at >= 0 && at < (transposed ? in.width : in.height);
    if (line_inside && first == 0 && end == width) return false;
    for (std::int64_t x = 0; x < width; ++x) coverage[x] = line_inside && x >= first && x < end ? 1.0F : 0.0F;
    return true;
  }
};

// Any geometry, any interpolation.
template <class T>
struct Sampled final : Fetcher {
  Surface<T> surface;
  Geometry g;
  Interpolation interpolation;
  std::int64_t width;
  Ramp ramp;
  bool only_displaced = false;  // by knots that move few pixels
  Taps taps;
  alignas(32) double px[chunk];
  alignas(32) double py[chunk];

  Sampled(const Picture& in, const Geometry& geometry, const Stage& stage, std::int64_t out_width, Scratch& scratch)
      : surface(surface_of<T>(in, stage.border)), g(geometry), interpolation(stage.interpolation), width(out_width),
        ramp(geometry, out_width, scratch) {
    only_displaced = g.count == 1 && ramp.link != nullptr && g.scale_x == 1.0 && g.scale_y == 1.0 &&
                     interpolation != Interpolation::nearest && is_tame(ramp.link->grid);
    taps.ahead = bytes_ahead(g, surface);
  }

  // Affine maps step in float32 from an exact start in each chunk: an error of 2**-16 px at most. Finds the bounds of the
  // chunk's taps, too.
  bool find_ray(std::int64_t y, std::int64_t x0, int n, Ray& ray) {
    constexpr double steepest = 8.0;
    if (g.form != Form::affine && g.form != Form::axes) return false;
    const double* m = g.m;
    if (!(std::fabs(m[0]) <= steepest && std::fabs(m[3]) <= steepest)) return false;
    const double cx = static_cast<double>(x0) + 0.5;
    const double cy = static_cast<double>(y) + 0.5;
    const double start_x = m[0] * cx + m[1] * cy + m[2] - 0.5;
    const double start_y = m[3] * cx + m[4] * cy + m[5] - 0.5;
    if (!is_near(start_x) || !is_near(start_y)) return false;
    const double whole_x = std::floor(start_x);
    const double whole_y = std::floor(start_y);
    ray.base_x = static_cast<std::int32_t>(whole_x);
    ray.base_y = static_cast<std::int32_t>(whole_y);
    ray.rest_x = static_cast<float>(start_x - whole_x);
    ray.rest_y = static_cast<float>(start_y - whole_y);
    ray.dx = static_cast<float>(m[0]);
    ray.dy = static_cast<float>(m[3]);
    taps.any_far = false;
    // Straight lines: the ends of the chunk are its extremes.
    const auto tap_of = [](std::int32_t base, float rest, float slope, int i) {
      return base + floor_int(rest + slope * static_cast<float>(i));
    };
    const std::int32_t ends_x[2] = {tap_of(ray.base_x, ray.rest_x, ray.dx, 0), tap_of(ray.base_x, ray.rest_x, ray.dx, n - 1)};
    const std::int32_t ends_y[2] = {tap_of(ray.base_y, ray.rest_y, ray.dy, 0), tap_of(ray.base_y, ray.rest_y, ray.dy, n - 1)};
    taps.bounded = true;
    taps.low_x = std::min(ends_x[0], ends_x[1]);
    taps.high_x = std::max(ends_x[0], ends_x[1]);
    taps.low_y = std::min(ends_y[0], ends_y[1]);
    taps.high_y = std::max(ends_y[0], ends_y[1]);
    return true;
  }

  // The taps of a ray.
  void step_taps(const Ray& ray, int n) {
#if defined(COVARY_ENGINE_AVX2)
    const __m256 from_x = _mm256_set1_ps(ray.rest_x), step_x = _mm256_set1_ps(ray.dx);
    const __m256 from_y = _mm256_set1_ps(ray.rest_y), step_y = _mm256_set1_ps(ray.dy);
    __m256 at = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
    for (int i = 0; i < n; i += lanes, at = _mm256_add_ps(at, _mm256_set1_ps(lanes))) {
      const __m256 tx = _mm256_add_ps(from_x, _mm256_mul_ps(step_x, at));
      const __m256 ty = _mm256_add_ps(from_y, _mm256_mul_ps(step_y, at));
      const __m256 floor_x = _mm256_floor_ps(tx);
      const __m256 floor_y = _mm256_floor_ps(ty);
      _mm256_store_ps(taps.fx + i, _mm256_sub_ps(tx, floor_x));
      _mm256_store_ps(taps.fy + i, _mm256_sub_ps(ty, floor_y));
      const __m256i ix = _mm256_add_epi32(_mm256_set1_epi32(ray.base_x), _mm256_cvttps_epi32(floor_x));
      const __m256i iy = _mm256_add_epi32(_mm256_set1_epi32(ray.base_y), _mm256_cvttps_epi32(floor_y));
      _mm256_store_si256(reinterpret_cast<__m256i*>(taps.x + i), ix);
      _mm256_store_si256(reinterpret_cast<__m256i*>(taps.y + i), iy);
    }
#else
    for (int i = 0; i < n; ++i) {
      const float tx = ray.rest_x + ray.dx * static_cast<float>(i);
      const float ty = ray.rest_y + ray.dy * static_cast<float>(i);
      const std::int32_t ix = floor_int(tx);
      const std::int32_t iy = floor_int(ty);
      taps.x[i] = ray.base_x + ix;
      taps.y[i] = ray.base_y + iy;
      taps.fx[i] = tx - static_cast<float>(ix);
      taps.fy[i] = ty - static_cast<float>(iy);
    }
#endif
  }

  // Linear sampling of a chunk that lies on a ray inside the source keeps less of its taps. False: it is another kind.
  bool sample_ray(const Ray& ray, int n, Planes out) {
#if defined(COVARY_ENGINE_AVX2)
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      if (interpolation != Interpolation::linear || surface.channels != 3 || n % 16 != 0 || !has_avx512()) return false;
      if (!wide_inside<3>(surface, taps)) return false;
      inside_ray16(surface, ray, taps, n, out);
      return true;
    }
#endif
    (void)ray, (void)n, (void)out;
    return false;
  }

  // How far the samples of later output rows lie from those of this row: they are asked of the memory early.
  static std::int64_t bytes_ahead(const Geometry& g, const Surface<T>& s) {
    constexpr double rows = 4.0;
    if (g.form != Form::affine && g.form != Form::axes) return 0;
    const double right = rows * g.m[1];
    const double down = rows * g.m[4];
    if (!(std::fabs(right) < 1e6 && std::fabs(down) < 1e6)) return 0;
    return (std::lrint(down) * s.stride + std::lrint(right) * s.channels) * static_cast<std::int64_t>(sizeof(T));
  }

  void find_taps(std::int64_t y, std::int64_t x0, int n) {
    Ray ray;
    if (interpolation != Interpolation::nearest && find_ray(y, x0, n, ray)) {
      step_taps(ray, n);
    } else {
      place_taps(y, x0, n);
    }
  }

  // The taps of pixels that are displaced and nothing else: only what they move by needs fractions.
  void displace_taps(std::int64_t y, std::int64_t x0, int n) {
    alignas(32) float moved_x[chunk], moved_y[chunk];
    ramp.start(y);
    ramp.offsets(x0, n, moved_x, moved_y);
    const auto along = [n](const float* COVARY_RESTRICT moved, std::int64_t from, std::int32_t step, std::int32_t* COVARY_RESTRICT tap,
                           float* COVARY_RESTRICT part, std::int32_t& low, std::int32_t& high) {
      const auto first = static_cast<std::int32_t>(from);
      std::int32_t least = std::numeric_limits<std::int32_t>::max(), most = std::numeric_limits<std::int32_t>::min();
      for (int i = 0; i < n; ++i) {
        const std::int32_t whole = floor_int(moved[i]), at = first + step * i + whole;
        part[i] = moved[i] - static_cast<float>(whole);
        tap[i] = at;
        least = std::min(least, at);
        most = std::max(most, at);
      }
      low = least;
      high = most;
    };
    along(moved_x, x0, 1, taps.x, taps.fx, taps.low_x, taps.high_x);
    along(moved_y, y, 0, taps.y, taps.fy, taps.low_y, taps.high_y);
    taps.any_far = false;
    taps.bounded = true;
  }

  // Taps of any geometry. Lost pixels get the first tap (0, 0).
  void place_taps(std::int64_t y, std::int64_t x0, int n) {
    if (only_displaced) return displace_taps(y, x0, n);
    taps.bounded = false;
    const double centre = interpolation == Interpolation::nearest ? 0.0 : 0.5;
    positions(g, ramp, y, x0, n, px, py);
    const bool near = all_near(px, py, n);
    taps.any_far = !near;
    if (near) {
      for (int i = 0; i < n; ++i) {
        px[i] -= centre;
        py[i] -= centre;
      }
      for (int i = 0; i < n; ++i) {
        taps.x[i] = floor_int(px[i]);
        taps.y[i] = floor_int(py[i]);
        taps.fx[i] = static_cast<float>(px[i] - static_cast<double>(taps.x[i]));
        taps.fy[i] = static_cast<float>(py[i] - static_cast<double>(taps.y[i]));
      }
      return;
    }
    for (int i = 0; i < n; ++i) {
      taps.far[i] = !is_near(px[i]) || !is_near(py[i]);
      const double x = taps.far[i] ? 0.0 : px[i] - centre;
      const double v = taps.far[i] ? 0.0 : py[i] - centre;
      taps.x[i] = floor_int(x);
      taps.y[i] = floor_int(v);
      taps.fx[i] = static_cast<float>(x - static_cast<double>(taps.x[i]));
      taps.fy[i] = static_cast<float>(v - static_cast<double>(taps.y[i]));
    }
  }

  // Whether all first taps lie in 0 .. length - 2 of both axes.
  bool all_inside(int n) const {
    if (taps.bounded)
      return taps.low_x >= 0 && taps.low_y >= 0 && taps.high_x + std::int64_t{2} <= surface.width &&
             taps.high_y + std::int64_t{2} <= surface.height;
    std::uint32_t most_x = 0;
    std::uint32_t most_y = 0;
    for (int i = 0; i < n; ++i) {
      most_x = std::max(most_x, static_cast<std::uint32_t>(taps.x[i]));
      most_y = std::max(most_y, static_cast<std::uint32_t>(taps.y[i]));
    }
    return !taps.any_far && most_x + std::int64_t{2} <= surface.width && most_y + std::int64_t{2} <= surface.height;
  }

  // True where some pixel of the chunk is not wholly inside.
  bool cover(int n, float* COVARY_RESTRICT coverage) const {
    for (int i = 0; i < n; ++i) coverage[i] = 1.0F;
    if (all_inside(n)) return false;
    const auto w = static_cast<std::int32_t>(surface.width);
    const auto h = static_cast<std::int32_t>(surface.height);
    if (interpolation == Interpolation::nearest) {
      for (int i = 0; i < n; ++i)
        coverage[i] = taps.x[i] >= 0 && taps.x[i] < w && taps.y[i] >= 0 && taps.y[i] < h ? 1.0F : 0.0F;
    } else {
      for (int i = 0; i < n; ++i)
        coverage[i] = axis_coverage(taps.x[i], taps.fx[i], w) * axis_coverage(taps.y[i], taps.fy[i], h);
    }
    if (taps.any_far)
      for (int i = 0; i < n; ++i) coverage[i] = taps.far[i] ? 0.0F : coverage[i];
    bool partly = false;
    for (int i = 0; i < n; ++i) partly = partly | (coverage[i] < 1.0F);
    return partly;
  }

  bool fetch(std::int64_t y, Planes row, float* coverage) override {
    bool partly = false;
    for (std::int64_t x0 = 0; x0 < width; x0 += chunk) {
      const int n = static_cast<int>(std::min<std::int64_t>(chunk, width - x0));
      const Planes here{row.data + x0, row.stride};
      Ray ray;
      if (interpolation == Interpolation::nearest || !find_ray(y, x0, n, ray)) {
        place_taps(y, x0, n);
      } else if (sample_ray(ray, n, here)) {
        if (coverage != nullptr) std::fill_n(coverage + x0, n, 1.0F);
        continue;
      } else {
        step_taps(ray, n);
      }
      switch (interpolation) {
        case Interpolation::nearest:
          nearest_pixels(surface, taps, n, here);
          break;
        case Interpolation::linear:
          linear_chunk(surface, taps, n, here);
          break;
        case Interpolation::cubic:
          cubic_chunk(surface, taps, n, here);
          break;
      }
      if (coverage != nullptr) partly = cover(n, coverage + x0) || partly;
    }
    return partly;
  }
};

}  // namespace covary::COVARY_ENGINE
