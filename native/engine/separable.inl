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

#if defined(COVARY_ENGINE_AVX2)

// Groups of sixteen output pixels whose taps all lie in 32 values of a plane, which two registers hold.
struct Windows {
  static constexpr std::int64_t group = 16, reach = 32;
  std::int64_t first = 0, count = 0;  // the source's pixels that are looked at
  std::int32_t* base = nullptr;       // of each group: where its window begins, from `first`; -1 where there is none
  std::int32_t* left = nullptr;       // of each output pixel: its two taps in the window
  std::int32_t* right = nullptr;
  float* fraction = nullptr;
  float* source = nullptr;  // planes of the source's pixels
  std::int64_t stride = 0;
};

COVARY_AVX512 inline void stretch_plane(const Windows& w, const float* COVARY_RESTRICT plane, std::int64_t width,
                                        float* COVARY_RESTRICT out) {
  for (std::int64_t x = 0; x < width; x += Windows::group) {
    const std::int64_t base = w.base[x / Windows::group];
    if (base < 0) continue;
    const __m512 low = _mm512_loadu_ps(plane + base), high = _mm512_loadu_ps(plane + base + 16);
    const __m512 a = _mm512_permutex2var_ps(low, _mm512_loadu_si512(w.left + x), high);
    const __m512 b = _mm512_permutex2var_ps(low, _mm512_loadu_si512(w.right + x), high);
    _mm512_storeu_ps(out + x, mix16(a, b, _mm512_loadu_ps(w.fraction + x)));
  }
}

#endif

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
#if defined(COVARY_ENGINE_AVX2)
    if (has_avx512() && s.channels <= 4) find_windows(scratch);
#endif
  }

#if defined(COVARY_ENGINE_AVX2)
  Windows windows;

  void find_windows(Scratch& scratch) {
    Windows& w = windows;
    const std::int64_t groups = (width + Windows::group - 1) / Windows::group, n = groups * Windows::group;
    const auto room = [&](std::int64_t count) { return scratch.piece(4 * static_cast<std::size_t>(count)); };
    w.base = static_cast<std::int32_t*>(room(groups));
    w.left = static_cast<std::int32_t*>(room(n));
    w.right = static_cast<std::int32_t*>(room(n));
    w.fraction = static_cast<float*>(room(n));
    std::int64_t least = s.width, most = 0;
    for (std::int64_t x = 0; x < width; ++x) {
      w.left[x] = static_cast<std::int32_t>(left[x] / s.channels);
      w.right[x] = static_cast<std::int32_t>(right[x] / s.channels);
      w.fraction[x] = fraction[x];
      least = std::min<std::int64_t>(least, std::min(w.left[x], w.right[x]));
      most = std::max<std::int64_t>(most, std::max(w.left[x], w.right[x]));
    }
    w.first = least;
    w.count = most + 1 - least;
    for (std::int64_t x = width; x < n; ++x) {
      w.left[x] = w.left[width - 1];
      w.right[x] = w.right[width - 1];
      w.fraction[x] = 0.0F;
    }
    for (std::int64_t k = 0; k < groups; ++k) {
      std::int32_t* const from = w.left + k * Windows::group;
      std::int32_t* const to = w.right + k * Windows::group;
      const std::int32_t lowest = std::min(*std::min_element(from, from + Windows::group), *std::min_element(to, to + Windows::group));
      const std::int32_t highest = std::max(*std::max_element(from, from + Windows::group), *std::max_element(to, to + Windows::group));
      w.base[k] = highest - lowest < Windows::reach ? static_cast<std::int32_t>(lowest - least) : -1;
      for (std::int64_t i = 0; i < Windows::group; ++i) {
        from[i] -= lowest;
        to[i] -= lowest;
      }
    }
    w.stride = (w.count + 1023) / 1024 * 1024 + 5 * lanes;
    w.source = static_cast<float*>(room(w.stride * s.channels));
    std::memset(w.source, 0, sizeof(float) * static_cast<std::size_t>(w.stride * s.channels));  // what is loaded in vain
  }

  void stretch_windows(const T* COVARY_RESTRICT source, Planes out) const {
    const T* from = source + windows.first * s.channels;
    // The rows come one after the other from memory that no cache may hold: ask early for those three further down.
    constexpr std::int64_t line_size = 64 / static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t i = 0; i < windows.count * s.channels; i += line_size)
      prefetch(from + i, 3 * s.stride * static_cast<std::int64_t>(sizeof(T)));
    const Planes planes{windows.source, windows.stride};
    widen_row(from, windows.count, s.channels, planes);
    for (std::int64_t c = 0; c < s.channels; ++c) stretch_plane(windows, planes[c], width, out[c]);
    for (std::int64_t x = 0; x < width; x += Windows::group)
      if (windows.base[x / Windows::group] < 0) single(source, x, std::min(width, x + Windows::group), out);
  }
#endif

  void stretch(const T* COVARY_RESTRICT source, Planes out) const {
    std::int64_t x = 0;
#if defined(COVARY_ENGINE_AVX2)
    if (windows.source != nullptr) return stretch_windows(source, out);
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
  bool fetch_bytes(std::int64_t y, std::uint8_t* row) override {
    if (s.channels != 3 || std::is_same_v<T, float>) return false;
    const AxisTap tap = axis_tap(g.m[4], g.m[5], y, s.height);
    const float* top = line(border_index(tap.index, s.height, s.border));
    const float* bottom = tap.fraction == 0.0F ? top : line(border_index(std::int64_t{tap.index} + 1, s.height, s.border));
    const __m256 t = _mm256_set1_ps(top == bottom ? 0.0F : tap.fraction);
    if constexpr (!std::is_same_v<T, float>) {
      T* pixels = reinterpret_cast<T*>(row);
      std::int64_t x = narrow3(width, pixels, [&](int c, std::int64_t at) {
        return mix(_mm256_loadu_ps(top + c * stride + at), _mm256_loadu_ps(bottom + c * stride + at), t);
      });
      for (; x < width; ++x)
        for (int c = 0; c < 3; ++c)
          pixels[3 * x + c] = narrow<T>(mix(top[c * stride + x], bottom[c * stride + x], _mm256_cvtss_f32(t)));
    }
    return true;
  }
#endif

#if defined(COVARY_ENGINE_AVX2)
  bool by_pixel() const override { return linear_by_pixel<T>(s.channels) && windows.source == nullptr; }

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
