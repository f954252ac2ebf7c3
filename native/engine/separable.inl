// Scaling along the axes: source rows are interpolated along x once and kept, then mixed along y.
namespace covary::COVARY_ENGINE {

struct AxisTap {
  std::int32_t index;
  float fraction;
  float coverage;
};

inline AxisTap axis_tap(double scale, double move, std::int64_t i, std::int64_t n) {
  const double position = scale * (static_cast<double>(i) + 0.5) + move - 0.5;
  AxisTap tap;
  tap.index = floor_int(position);
  tap.fraction = static_cast<float>(position - static_cast<double>(tap.index));
  tap.coverage = axis_coverage(tap.index, tap.fraction, static_cast<std::int32_t>(n));
  return tap;
}

template <class T>
struct Scaled final : Fetcher {
  Surface<T> s;
  Geometry g;
  std::int64_t width;
  std::int32_t* left;   // element offsets of the two taps of each output x
  std::int32_t* right;
  float* fraction;
  float* coverage_x;
  std::uint8_t* grouped;  // whether eight pixels from here can be read by 8-byte loads
  bool whole_x = true;
  std::int64_t kept[2] = {-1, -1};
  float* lines[2];
  std::int64_t stride;
  int newest = 0;
  bool pixels = false;  // whether the lines hold pixels; else planes

  Scaled(const Picture& in, const Geometry& geometry, Border border, std::int64_t out_width, Scratch& scratch)
      : s(surface_of<T>(in, border)), g(geometry), width(out_width) {
    const auto n = static_cast<std::size_t>(out_width);
    left = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    right = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    fraction = static_cast<float*>(scratch.piece(sizeof(float) * n));
    coverage_x = static_cast<float*>(scratch.piece(sizeof(float) * n));
    grouped = static_cast<std::uint8_t*>(scratch.piece(n / lanes + 1));
    for (std::int64_t x = 0; x < out_width; ++x) {
      const AxisTap tap = axis_tap(g.m[0], g.m[2], x, s.width);
      left[x] = static_cast<std::int32_t>(border_index(tap.index, s.width, border) * s.channels);
      right[x] = static_cast<std::int32_t>(border_index(std::int64_t{tap.index} + 1, s.width, border) * s.channels);
      fraction[x] = tap.fraction;
      coverage_x[x] = tap.coverage;
      whole_x = whole_x && tap.coverage >= 1.0F;
    }
    for (std::int64_t x = 0; x + lanes <= out_width; x += lanes) {
      bool fits = true;
      for (std::int64_t i = x; i < x + lanes; ++i)
        fits = fits && right[i] == left[i] + s.channels && left[i] <= (s.width - 3) * s.channels;
      grouped[x / lanes] = fits ? 1 : 0;
    }
    stride = (out_width + 1023) / 1024 * 1024 + 5 * lanes;  // never a multiple of 4 KB: see working_of
    auto* cache = static_cast<float*>(
        scratch.get(Scratch::cache, sizeof(float) * 2 * static_cast<std::size_t>(stride * s.channels)));
    lines[0] = cache;
    lines[1] = cache + stride * s.channels;
  }

  void stretch(const T* COVARY_RESTRICT source, Planes out) const {
    std::int64_t x = 0;
#if defined(COVARY_ENGINE_AVX2)
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      if (s.channels == 3) {
        for (; x + lanes <= width; x += lanes) {
          if (grouped[x / lanes] == 0) {
            single(source, x, x + lanes, out);
            continue;
          }
          // The rows come one after the other from memory that no cache may hold: ask early for those three further down.
          prefetch(source, 3 * s.stride + left[x]);
          const Bytes8x8 bytes = load_pairs(source, left + x);
          const __m256 t = _mm256_loadu_ps(fraction + x);
          _mm256_storeu_ps(out[0] + x, mix(component<0>(bytes), component<3>(bytes), t));
          _mm256_storeu_ps(out[1] + x, mix(component<1>(bytes), component<4>(bytes), t));
          _mm256_storeu_ps(out[2] + x, mix(component<2>(bytes), component<5>(bytes), t));
        }
      }
    }
#endif
    single(source, x, width, out);
  }

  void single(const T* COVARY_RESTRICT source, std::int64_t from, std::int64_t to, Planes out) const {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      float* COVARY_RESTRICT plane = out[c];
      for (std::int64_t x = from; x < to; ++x)
        plane[x] = mix(static_cast<float>(source[left[x] + c]), static_cast<float>(source[right[x] + c]), fraction[x]);
    }
  }

  // The stretched source row y, from the two kept ones or anew.
  const float* line(std::int64_t y) {
    for (int i = 0; i < 2; ++i) {
      if (kept[i] == y) {
        newest = i;
        return lines[i];
      }
    }
    newest = 1 - newest;
    kept[newest] = y;
#if defined(COVARY_ENGINE_AVX2)
    if (pixels) {
      stretch_pixels(s.data + y * s.stride, lines[newest]);
      return lines[newest];
    }
#endif
    stretch(s.data + y * s.stride, Planes{lines[newest], stride});
    return lines[newest];
  }

#if defined(COVARY_ENGINE_AVX2)
  bool fetch_bytes(std::int64_t y, std::uint8_t* pixels) override {
    if (s.channels != 3) return false;
    const AxisTap tap = axis_tap(g.m[4], g.m[5], y, s.height);
    const float* top = line(border_index(tap.index, s.height, s.border));
    const float* bottom = tap.fraction == 0.0F ? top : line(border_index(std::int64_t{tap.index} + 1, s.height, s.border));
    const __m256 t = _mm256_set1_ps(top == bottom ? 0.0F : tap.fraction);
    std::int64_t x = narrow3(width, pixels, [&](int c, std::int64_t at) {
      return mix(_mm256_loadu_ps(top + c * stride + at), _mm256_loadu_ps(bottom + c * stride + at), t);
    });
    for (; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        pixels[3 * x + c] = narrow<std::uint8_t>(mix(top[c * stride + x], bottom[c * stride + x], _mm256_cvtss_f32(t)));
    return true;
  }
#endif

#if defined(COVARY_ENGINE_AVX2)
  bool by_pixel() const override { return linear_by_pixel<T>(s.channels); }

  // The kept lines hold pixels as well.
  void stretch_pixels(const T* COVARY_RESTRICT source, float* COVARY_RESTRICT out) const {
    const std::int64_t channels = s.channels;
    const std::int64_t reach = s.width * channels - std::max<std::int64_t>(channels, lanes);
    for (std::int64_t x = 0; x < width; ++x, out += channels) {
      const std::int64_t a = left[x], b = right[x];
      if (a > reach || b > reach) {
        for (std::int64_t c = 0; c < channels; ++c)
          out[c] = mix(static_cast<float>(source[a + c]), static_cast<float>(source[b + c]), fraction[x]);
        continue;
      }
      if (x % lanes == 0) prefetch(source + a, 3 * s.stride * static_cast<std::int64_t>(sizeof(T)));
      const __m256 t = _mm256_set1_ps(fraction[x]);
      if (channels <= lanes) {
        _mm256_storeu_ps(out, mix(load_values(source + a), load_values(source + b), t));
        continue;
      }
      for (std::int64_t c = 0;;) {
        _mm256_storeu_ps(out + c, mix(load_values(source + a + c), load_values(source + b + c), t));
        if (c + lanes >= channels) break;
        c = std::min(c + lanes, channels - lanes);
      }
    }
  }

  bool fetch_pixels(std::int64_t y, float* values, float* coverage) override {
    if (!pixels) kept[0] = kept[1] = -1;
    pixels = true;
    const AxisTap tap = axis_tap(g.m[4], g.m[5], y, s.height);
    const float* top = line(border_index(tap.index, s.height, s.border));
    const float* bottom = tap.fraction == 0.0F ? top : line(border_index(std::int64_t{tap.index} + 1, s.height, s.border));
    const std::int64_t n = width * s.channels;
    if (top == bottom) {
      std::memcpy(values, top, sizeof(float) * static_cast<std::size_t>(n));
    } else {
      float* COVARY_RESTRICT out = values;
      for (std::int64_t i = 0; i < n; ++i) out[i] = mix(top[i], bottom[i], tap.fraction);
    }
    return cover(tap, coverage);
  }
#endif

  bool cover(const AxisTap& tap, float* coverage) const {
    if (coverage == nullptr || (whole_x && tap.coverage >= 1.0F)) return false;
    for (std::int64_t x = 0; x < width; ++x) coverage[x] = coverage_x[x] * tap.coverage;
    return true;
  }

  bool fetch(std::int64_t y, Planes row, float* coverage) override {
    if (pixels) kept[0] = kept[1] = -1;
    pixels = false;
    const AxisTap tap = axis_tap(g.m[4], g.m[5], y, s.height);
    const float* top = line(border_index(tap.index, s.height, s.border));
    const float* bottom = tap.fraction == 0.0F ? top : line(border_index(std::int64_t{tap.index} + 1, s.height, s.border));
    for (std::int64_t c = 0; c < s.channels; ++c) {
      float* COVARY_RESTRICT out = row[c];
      const float* COVARY_RESTRICT a = top + c * stride;
      const float* COVARY_RESTRICT b = bottom + c * stride;
      if (top == bottom) {
        std::memcpy(out, a, sizeof(float) * static_cast<std::size_t>(width));
      } else {
        for (std::int64_t x = 0; x < width; ++x) out[x] = mix(a[x], b[x], tap.fraction);
      }
    }
    return cover(tap, coverage);
  }
};

}  // namespace covary::COVARY_ENGINE
