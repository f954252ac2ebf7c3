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

  static std::int64_t groups(std::int64_t width) { return (width + group - 1) / group; }

  void make_room(std::int64_t width, Scratch& scratch) {
    const auto room = [&](std::int64_t n) { return scratch.piece(4 * static_cast<std::size_t>(n)); };
    base = static_cast<std::int32_t*>(room(groups(width)));
    left = static_cast<std::int32_t*>(room(groups(width) * group));
    right = static_cast<std::int32_t*>(room(groups(width) * group));
    fraction = static_cast<float*>(room(groups(width) * group));
  }

  void add(std::int64_t x, std::int32_t first_tap, std::int32_t second_tap, float part) {
    left[x] = first_tap;
    right[x] = second_tap;
    fraction[x] = part;
  }

  // After all pixels are there.
  void finish(std::int64_t width, std::int64_t channels, Scratch& scratch) {
    for (std::int64_t x = width; x < groups(width) * group; ++x) add(x, left[width - 1], right[width - 1], 0.0F);
    std::int32_t least = left[0], most = left[0];
    for (std::int64_t k = 0; k < groups(width); ++k) {
      std::int32_t* const a = left + k * group;
      std::int32_t* const b = right + k * group;
      std::int32_t low = a[0], high = a[0];
      for (std::int64_t i = 0; i < group; ++i) {
        low = std::min(low, std::min(a[i], b[i]));
        high = std::max(high, std::max(a[i], b[i]));
      }
      for (std::int64_t i = 0; i < group; ++i) {
        a[i] -= low;
        b[i] -= low;
      }
      base[k] = high - low < reach ? low : -1;
      least = std::min(least, low);
      most = std::max(most, high);
    }
    for (std::int64_t k = 0; k < groups(width); ++k) base[k] = base[k] < 0 ? -1 : base[k] - least;
    first = least;
    count = most + 1 - least;
    stride = (count + reach + 1023) / 1024 * 1024 + 5 * lanes;
    source = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(stride * channels)));
    // What is loaded in vain.
    for (std::int64_t c = 0; c < channels; ++c) std::memset(source + c * stride + count, 0, sizeof(float) * reach);
  }
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

  Scaled(const Picture& in, const Geometry& geometry, Border border, std::int64_t out_width, Scratch& scratch)
      : s(surface_of<T>(in, border)), g(geometry), width(out_width) {
    const auto n = static_cast<std::size_t>(out_width);
    left = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    right = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    fraction = static_cast<float*>(scratch.piece(sizeof(float) * n));
    coverage_x = static_cast<float*>(scratch.piece(sizeof(float) * n));
    grouped = static_cast<std::uint8_t*>(scratch.piece(n / lanes + 1));
#if defined(COVARY_ENGINE_AVX2)
    // Three bytes have a way of their own.
    const bool bytes = std::is_same_v<T, std::uint8_t> && s.channels == 3;
    if (has_avx512() && s.channels <= 4 && !bytes) windows.make_room(out_width, scratch);
#endif
    for (std::int64_t x = 0; x < out_width; ++x) {
      const AxisTap tap = axis_tap(g.m[0], g.m[2], x, s.width);
      const std::int64_t a = border_index(tap.index, s.width, border), b = border_index(std::int64_t{tap.index} + 1, s.width, border);
      left[x] = static_cast<std::int32_t>(a * s.channels);
      right[x] = static_cast<std::int32_t>(b * s.channels);
#if defined(COVARY_ENGINE_AVX2)
      if (windows.left != nullptr) windows.add(x, static_cast<std::int32_t>(a), static_cast<std::int32_t>(b), tap.fraction);
#endif
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
    if (windows.left != nullptr) windows.finish(out_width, s.channels, scratch);
#endif
  }

#if defined(COVARY_ENGINE_AVX2)
  Windows windows;

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

  bool cover(const AxisTap& tap, float* coverage) const {
    if (coverage == nullptr || (whole_x && tap.coverage >= 1.0F)) return false;
    for (std::int64_t x = 0; x < width; ++x) coverage[x] = coverage_x[x] * tap.coverage;
    return true;
  }

  bool fetch(std::int64_t y, Planes row, float* coverage) override {
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
