// Scaling along the axes from pixels to pixels, where nothing else is done than to paint a frame: the channels of a row stay
// side by side, so that any number of them is as fast.
namespace covary::COVARY_ENGINE {

#if defined(COVARY_ENGINE_AVX2)

// A window of the source row, from which both taps of sixteen values are picked. They come as floats that are 2**23 too
// large, which is where the bits of a whole number are those of a float: differences are exact, and no conversion is needed.
constexpr float raised = 8388608.0F;

struct Window64 {  // of bytes
  static constexpr std::int64_t length = 64;
  __m512i values;
  COVARY_VBMI explicit Window64(const std::uint8_t* from) : values(_mm512_loadu_si512(from)) {}
  COVARY_VBMI __m512 operator()(const std::uint8_t* places) const {
    const __m512i at = _mm512_cvtepu8_epi32(load_128(places));
    const __m512i above = _mm512_castps_si512(_mm512_set1_ps(raised));
    return _mm512_castsi512_ps(_mm512_mask_permutexvar_epi8(above, 0x1111111111111111U, at, values));
  }
};

struct Window32 {  // of words
  static constexpr std::int64_t length = 32;
  __m512i values;
  COVARY_VBMI explicit Window32(const std::uint16_t* from) : values(_mm512_loadu_si512(from)) {}
  COVARY_VBMI __m512 operator()(const std::uint8_t* places) const {
    const __m512i at = _mm512_cvtepu8_epi32(load_128(places));
    const __m512i above = _mm512_castps_si512(_mm512_set1_ps(raised));
    return _mm512_castsi512_ps(_mm512_mask_permutexvar_epi16(above, 0x55555555U, at, values));
  }
};

struct TwoWindows32 {
  static constexpr std::int64_t length = 64;
  __m512i low, high;
  COVARY_VBMI explicit TwoWindows32(const std::uint16_t* from)
      : low(_mm512_loadu_si512(from)), high(_mm512_loadu_si512(from + 32)) {}
  COVARY_VBMI __m512 operator()(const std::uint8_t* places) const {
    const __m512i at = _mm512_cvtepu8_epi32(load_128(places));
    const __m512i above = _mm512_castps_si512(_mm512_set1_ps(raised));
    const __m512i found = _mm512_maskz_permutex2var_epi16(0x55555555U, low, at, high);
    return _mm512_castsi512_ps(_mm512_or_si512(above, found));
  }
};

COVARY_AVX512 inline void store16(std::uint8_t* to, __m512 v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

COVARY_AVX512 inline void store16(std::uint16_t* to, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)));
}

COVARY_AVX512 inline void store16(float* to, __m512 v) { _mm512_storeu_ps(to, v); }

// Whole groups of sixteen; returns how many values were made. What lies between two values of a type needs no clipping.
template <class T>
COVARY_AVX512 std::int64_t mix_lines16(const float* a, const float* b, float t, std::int64_t n, T* out) {
  const __m512 fraction = _mm512_set1_ps(t);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) store16(out + i, mix16(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), fraction));
  return i;
}

#endif

// A Fill's colour in the picture's own range.
struct Paint {
  const float* colour = nullptr;  // of each channel; null where nothing is painted

  float over(float value, float coverage, std::int64_t c) const {
    if (coverage >= 1.0F) return value;
    return coverage > 0.0F ? value * coverage + colour[c] * (1.0F - coverage) : colour[c];
  }
};

template <class T>
struct ScaledPixels {
  static constexpr int group = 16;
  static constexpr std::int64_t reach = 64;  // of the widest window
  Surface<T> s;
  const Geometry& g;
  Paint paint;
  std::int64_t width;
  std::int64_t first = 0, end = 0;              // output x of which anything is seen
  std::int64_t whole_first = 0, whole_end = 0;  // those that lie wholly inside
  std::int64_t run;                             // values from `first` to `end`
  std::int32_t* left;  // element offsets of the two taps of each output x
  std::int32_t* right;
  float* fraction;
  float* coverage_x;
  // Of the values from `first` on, in groups: where their windows start (-1: none holds them), places there, fractions.
  std::int32_t* start = nullptr;
  std::uint8_t* places = nullptr;  // sixteen of the first taps, sixteen of the second, of each group
  float* fractions = nullptr;
  std::int64_t widest = 0;  // of the distances from a window's start to its last tap
  T* painted = nullptr;  // a row of the paint
  std::int64_t kept[2] = {-1, -1};
  float* lines[2];
  int newest = 0;

  ScaledPixels(const Picture& in, const Geometry& geometry, Border border, Paint own, std::int64_t out_width, Scratch& scratch)
      : s(surface_of<T>(in, border)), g(geometry), paint(own), width(out_width) {
    const auto n = static_cast<std::size_t>(width);
    left = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    right = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * n));
    fraction = static_cast<float*>(scratch.piece(sizeof(float) * n));
    coverage_x = static_cast<float*>(scratch.piece(sizeof(float) * n));
    for (std::int64_t x = 0; x < width; ++x) {
      const AxisTap tap = axis_tap(g.m[0], g.m[2], x, s.width);
      left[x] = static_cast<std::int32_t>(border_index(tap.index, s.width, border) * s.channels);
      right[x] = static_cast<std::int32_t>(border_index(std::int64_t{tap.index} + 1, s.width, border) * s.channels);
      fraction[x] = tap.fraction;
      coverage_x[x] = paint.colour == nullptr ? 1.0F : tap.coverage;
    }
    // The coverage rises once and falls once.
    while (first < width && coverage_x[first] <= 0.0F) ++first;
    end = width;
    while (end > first && coverage_x[end - 1] <= 0.0F) --end;
    whole_first = first;
    while (whole_first < end && coverage_x[whole_first] < 1.0F) ++whole_first;
    whole_end = end;
    while (whole_end > whole_first && coverage_x[whole_end - 1] < 1.0F) --whole_end;
    run = (end - first) * s.channels;
    if (paint.colour != nullptr) {
      painted = static_cast<T*>(scratch.piece(sizeof(T) * n * static_cast<std::size_t>(s.channels)));
      for (std::int64_t i = 0; i < width * s.channels; ++i) painted[i] = narrow<T>(paint.colour[i % s.channels]);
    }
    const std::int64_t stride = (run + 1023) / 1024 * 1024 + 5 * group;  // never a multiple of 4 KB: see working_of
    auto* cache = static_cast<float*>(scratch.get(Scratch::cache, sizeof(float) * 2 * static_cast<std::size_t>(stride)));
    lines[0] = cache;
    lines[1] = cache + stride;
#if defined(COVARY_ENGINE_AVX2)
    if constexpr (!std::is_same_v<T, float>)
      if (has_vbmi() && s.stride >= reach) open_windows(scratch);
#endif
  }

  void open_windows(Scratch& scratch) {
    const std::int64_t groups = (run + group - 1) / group;
    start = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * static_cast<std::size_t>(groups)));
    places = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(2 * group * groups)));
    fractions = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(group * groups)));
    std::int64_t x = first, c = 0;
    for (std::int64_t k = 0; k < groups; ++k) {
      std::int32_t at[2][group];
      std::int32_t least = std::numeric_limits<std::int32_t>::max(), most = 0;
      for (int i = 0; i < group; ++i) {
        const bool there = x < end;  // beyond the end anything may stand
        at[0][i] = there ? left[x] + static_cast<std::int32_t>(c) : at[0][0];
        at[1][i] = there ? right[x] + static_cast<std::int32_t>(c) : at[0][0];
        fractions[group * k + i] = there ? fraction[x] : 0.0F;
        least = std::min(least, std::min(at[0][i], at[1][i]));
        most = std::max(most, std::max(at[0][i], at[1][i]));
        if (there && ++c == s.channels) {
          c = 0;
          ++x;
        }
      }
      const std::int64_t from = std::min<std::int64_t>(least, s.stride - reach);
      start[k] = most - from < reach ? static_cast<std::int32_t>(from) : -1;
      widest = std::max(widest, most - from);
      for (int tap = 0; tap < 2; ++tap)
        for (int i = 0; i < group; ++i)
          places[2 * group * k + group * tap + i] = static_cast<std::uint8_t>(start[k] < 0 ? 0 : at[tap][i] - from);
    }
  }

  // The values from..to of a stretched row, one by one.
  void single(const T* COVARY_RESTRICT source, std::int64_t from, std::int64_t to, float* COVARY_RESTRICT out) const {
    std::int64_t x = first + from / s.channels, c = from % s.channels;
    for (std::int64_t i = from; i < to; ++x, c = 0)
      for (; c < s.channels && i < to; ++c, ++i)
        out[i] = mix(static_cast<float>(source[left[x] + c]), static_cast<float>(source[right[x] + c]), fraction[x]);
  }

  template <int Channels>
  void all(const T* COVARY_RESTRICT source, float* COVARY_RESTRICT out) const {
    const std::int64_t channels = Channels > 0 ? Channels : s.channels;
    for (std::int64_t x = first; x < end; ++x, out += channels) {
      const T* a = source + left[x];
      const T* b = source + right[x];
      const float t = fraction[x];
      for (std::int64_t c = 0; c < channels; ++c) out[c] = mix(static_cast<float>(a[c]), static_cast<float>(b[c]), t);
    }
  }

#if defined(COVARY_ENGINE_AVX2)
  template <class Window>
  COVARY_VBMI void by_windows(const T* source, float* out) const {
    const std::int64_t n = run;
    const std::int64_t ahead = 3 * s.stride;
    const std::int32_t* const from = start;
    const std::uint8_t* at = places;
    const float* t = fractions;
    for (std::int64_t i = 0; i < n; i += group, at += 2 * group, t += group) {
      const std::int64_t first_of = from[i / group];
      if (first_of < 0) {
        single(source, i, std::min(n, i + group), out);
        continue;
      }
      // The rows come one after the other from memory that no cache may hold: ask early for those three further down.
      prefetch(source, (ahead + first_of) * static_cast<std::int64_t>(sizeof(T)));
      const Window pick(source + first_of);
      const __m512 a = pick(at), b = pick(at + group);
      const __m512 step = _mm512_mul_ps(_mm512_loadu_ps(t), _mm512_sub_ps(b, a));
      _mm512_storeu_ps(out + i, _mm512_add_ps(_mm512_sub_ps(a, _mm512_set1_ps(raised)), step));
    }
  }
#endif

  void stretch(const T* source, float* out) const {
#if defined(COVARY_ENGINE_AVX2)
    if constexpr (std::is_same_v<T, std::uint8_t>)
      if (start != nullptr) return by_windows<Window64>(source, out);
    if constexpr (std::is_same_v<T, std::uint16_t>)
      if (start != nullptr)
        return widest < Window32::length ? by_windows<Window32>(source, out) : by_windows<TwoWindows32>(source, out);
#endif
    switch (s.channels) {
      case 1: return all<1>(source, out);
      case 3: return all<3>(source, out);
      default: return all<0>(source, out);
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
    stretch(s.data + y * s.stride, lines[newest]);
    return lines[newest];
  }

  // Values of two lines mixed; where they are one line, it is copied.
  void mix_lines(const float* a, const float* b, float t, std::int64_t n, T* out) const {
    if (a == b) return narrow_run(a, n, out);
    std::int64_t i = 0;
#if defined(COVARY_ENGINE_AVX2)
    if (has_avx512()) {
      i = mix_lines16(a, b, t, n, out);
    } else if constexpr (std::is_same_v<T, std::uint8_t>) {
      const __m256 fraction = _mm256_set1_ps(t);
      const auto load = [&](std::int64_t at) { return mix(_mm256_loadu_ps(a + at), _mm256_loadu_ps(b + at), fraction); };
      for (; i + 16 <= n; i += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), narrow16(load(i), load(i + 8)));
    }
#endif
    for (; i < n; ++i) out[i] = narrow<T>(mix(a[i], b[i], t));
  }

  // The columns from..to of a row of which some lie partly outside.
  void blend(const float* a, const float* b, float t, float coverage, std::int64_t from, std::int64_t to, T* row) const {
    for (std::int64_t x = from; x < to; ++x)
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t i = (x - first) * s.channels + c;
        const float value = a == b ? a[i] : mix(a[i], b[i], t);
        row[x * s.channels + c] = narrow<T>(paint.over(value, coverage_x[x] * coverage, c));
      }
  }

  void frame(std::int64_t from, std::int64_t to, T* row) const {
    if (from < to) std::memcpy(row + from * s.channels, painted, sizeof(T) * static_cast<std::size_t>((to - from) * s.channels));
  }

  void make(std::int64_t y, T* row) {
    const AxisTap tap = axis_tap(g.m[4], g.m[5], y, s.height);
    const float coverage = paint.colour == nullptr ? 1.0F : tap.coverage;
    if (coverage <= 0.0F || first == end) return frame(0, width, row);
    const float* a = line(border_index(tap.index, s.height, s.border));
    const float* b = tap.fraction == 0.0F ? a : line(border_index(std::int64_t{tap.index} + 1, s.height, s.border));
    frame(0, first, row);
    frame(end, width, row);
    if (coverage < 1.0F) return blend(a, b, tap.fraction, coverage, first, end, row);
    blend(a, b, tap.fraction, coverage, first, whole_first, row);
    blend(a, b, tap.fraction, coverage, whole_end, end, row);
    const std::int64_t skip = (whole_first - first) * s.channels;
    mix_lines(a + skip, b + skip, tap.fraction, (whole_end - whole_first) * s.channels, row + whole_first * s.channels);
  }
};

// Rows that are made in order, each at once in its place; or aside, on their way past the caches or where they write beyond
// their ends.
template <class T, class Make>
void make_rows(const Picture& out, bool aside, Scratch& scratch, Make make) {
  const std::int64_t size = out.row_size();
  if (!aside && !out.streamed) {
    for (std::int64_t y = 0; y < out.height; ++y) make(y, reinterpret_cast<T*>(out.data + y * size));
    return;
  }
  constexpr std::int64_t beyond = 128;
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(size + beyond)));
  Writer writer(out);
  for (std::int64_t y = 0; y < out.height; ++y) {
    make(y, reinterpret_cast<T*>(staging));
    writer.write(staging, size);
  }
}

template <class T>
bool scale_pixels(const Picture& in, const Geometry& g, Border border, Paint paint, const Picture& out, Scratch& scratch) {
#if defined(COVARY_ENGINE_AVX2)
  // Three bytes have a way of their own that needs no windows.
  if (std::is_same_v<T, std::uint8_t> && in.channels == 3 && !has_vbmi()) return false;
#endif
  ScaledPixels<T> scaled(in, g, border, paint, out.width, scratch);
  make_rows<T>(out, false, scratch, [&](std::int64_t y, T* row) { scaled.make(y, row); });
  return true;
}

}  // namespace covary::COVARY_ENGINE
