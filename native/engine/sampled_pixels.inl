// Any geometry, bilinear, from pixels to pixels: for pictures of many channels or of 16 bits, whose channels are done side by
// side as they lie in the picture.
namespace covary::COVARY_ENGINE {

template <class T>
struct SampledPixels {
  Sampled<T> sampled;
  Paint paint;
  std::int64_t values;  // of the whole source

  SampledPixels(const Picture& in, const Geometry& g, const Stage& stage, Paint own, std::int64_t out_width, Scratch& scratch)
      : sampled(in, g, stage, out_width, scratch), paint(own), values(in.height * in.width * in.channels) {}

  // Pixel i of the chunk, wherever it lies. The same arithmetic as in `linear_pixels`.
  void single(int i, T* out) const {
    const Surface<T>& s = sampled.surface;
    const Taps& taps = sampled.taps;
    float coverage = 1.0F;
    if (paint.colour != nullptr) {
      const bool far = taps.any_far && taps.far[i];
      coverage = far ? 0.0F
                     : axis_coverage(taps.x[i], taps.fx[i], static_cast<std::int32_t>(s.width)) *
                           axis_coverage(taps.y[i], taps.fy[i], static_cast<std::int32_t>(s.height));
      if (coverage <= 0.0F) {
        for (std::int64_t c = 0; c < s.channels; ++c) out[c] = narrow<T>(paint.colour[c]);
        return;
      }
    }
    const std::int64_t x0 = border_index(taps.x[i], s.width, s.border) * s.channels;
    const std::int64_t x1 = border_index(std::int64_t{taps.x[i]} + 1, s.width, s.border) * s.channels;
    const T* top = s.data + border_index(taps.y[i], s.height, s.border) * s.stride;
    const T* bottom = s.data + border_index(std::int64_t{taps.y[i]} + 1, s.height, s.border) * s.stride;
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const float left = mix(static_cast<float>(top[x0 + c]), static_cast<float>(bottom[x0 + c]), taps.fy[i]);
      const float right = mix(static_cast<float>(top[x1 + c]), static_cast<float>(bottom[x1 + c]), taps.fy[i]);
      out[c] = narrow<T>(paint.over(mix(left, right, taps.fx[i]), coverage, c));
    }
  }

#if defined(COVARY_ENGINE_AVX2)
  static __m256 load8(const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static __m256 load8(const std::uint16_t* from) { return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(load_128(from))); }
  static __m256 load8(const float* from) { return _mm256_loadu_ps(from); }

  // What lies between values of a type needs no clipping.
  static void store8(std::uint8_t* to, __m256 v) {
    const __m256i whole = _mm256_cvtps_epi32(v);
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
  }
  static void store8(std::uint16_t* to, __m256 v) {
    const __m256i whole = _mm256_cvtps_epi32(v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
  }
  static void store8(float* to, __m256 v) { _mm256_storeu_ps(to, v); }

  // A pixel well inside; eight values are written at a time, so that up to seven beyond it are touched.
  COVARY_INLINE void inside(const T* top, float fx, float fy, T* out) const {
    const Surface<T>& s = sampled.surface;
    const T* bottom = top + s.stride;
    const __m256 tx = _mm256_set1_ps(fx), ty = _mm256_set1_ps(fy);
    if (s.channels <= 4) {
      // A register holds the pixel and its neighbour.
      const auto n = static_cast<int>(s.channels);
      const __m256i beside = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3), _mm256_set1_epi32(n));
      const __m256 both = mix(load8(top), load8(bottom), ty);
      store8(out, mix(both, _mm256_permutevar8x32_ps(both, beside), tx));
      return;
    }
    for (std::int64_t c = 0; c < s.channels; c += lanes) {
      const T* here = top + c;
      const T* below = bottom + c;
      const __m256 left = mix(load8(here), load8(below), ty);
      const __m256 right = mix(load8(here + s.channels), load8(below + s.channels), ty);
      store8(out + c, mix(left, right, tx));
    }
  }
#endif

#if defined(COVARY_ENGINE_AVX2)
  // Pixels of two to four words, two in a register, each with its neighbour; returns how many were made.
  COVARY_AVX512 int inside_pairs(const std::int32_t* at, int n, T* out) const {
    const std::int64_t channels = sampled.surface.channels;
    const T* data = sampled.surface.data;
    const T* below = data + sampled.surface.stride;
    const auto load = [](const T* from, std::int32_t a, std::int32_t b) COVARY_AVX512 {
      return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_set_m128i(load_128(from + b), load_128(from + a))));
    };
    const __m512i eight = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const __m512i beside = _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11),
                                            _mm512_set1_epi32(static_cast<int>(channels)));
    const float *fx = sampled.taps.fx, *fy = sampled.taps.fy;
    int i = 0;
    for (; i + 2 <= n; i += 2, out += 2 * channels) {
      prefetch(data, at[i] * static_cast<std::int64_t>(sizeof(T)) + sampled.taps.ahead);
      const __m512 tx = _mm512_permutexvar_ps(eight, _mm512_castpd_ps(_mm512_set1_pd(pair_of(fx + i))));
      const __m512 ty = _mm512_permutexvar_ps(eight, _mm512_castpd_ps(_mm512_set1_pd(pair_of(fy + i))));
      const __m512 both = mix16(load(data, at[i], at[i + 1]), load(below, at[i], at[i + 1]), ty);
      const __m512 mixed = mix16(both, _mm512_permutexvar_ps(beside, both), tx);
      const __m256i words = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(mixed));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(words));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + channels), _mm256_extracti128_si256(words, 1));
    }
    return i;
  }

  static double pair_of(const float* from) {
    double both;
    std::memcpy(&both, from, sizeof both);
    return both;
  }

  // Where the first taps lie in the source, -1 for pixels that are not well inside; whether all are.
  bool places(int n, std::int32_t* COVARY_RESTRICT at) const {
    const Surface<T>& s = sampled.surface;
    const Taps& taps = sampled.taps;
    const auto channels = static_cast<std::int32_t>(s.channels), stride = static_cast<std::int32_t>(s.stride);
    const auto most_x = static_cast<std::uint32_t>(s.width - 1);  // taps below it have a right-hand neighbour
    const std::int64_t reach = s.stride + s.channels + (s.channels + lanes - 1) / lanes * lanes;
    const auto most_y = static_cast<std::uint32_t>(s.height - 1);
    const auto last = static_cast<std::int32_t>(std::max<std::int64_t>(values - reach, -1));
    int outside = 0;
    for (int i = 0; i < n; ++i) {
      const bool well = static_cast<std::uint32_t>(taps.x[i]) < most_x && static_cast<std::uint32_t>(taps.y[i]) < most_y;
      const std::int32_t place = well ? taps.y[i] * stride + taps.x[i] * channels : last + 1;
      at[i] = place <= last ? place : -1;
      outside += at[i] < 0 ? 1 : 0;
    }
    if (taps.any_far)
      for (int i = 0; i < n; ++i)
        if (taps.far[i]) at[i] = -1;
    return outside == 0 && !taps.any_far;
  }
#endif

  void make(std::int64_t y, T* row) {
    const std::int64_t channels = sampled.surface.channels;
    for (std::int64_t x0 = 0; x0 < sampled.width; x0 += chunk) {
      const int n = static_cast<int>(std::min<std::int64_t>(chunk, sampled.width - x0));
      sampled.find_taps(y, x0, n);
      T* out = row + x0 * channels;
      int i = 0;
#if defined(COVARY_ENGINE_AVX2)
      if (values < std::int64_t{1} << 31) {
        const T* data = sampled.surface.data;
        const Taps& taps = sampled.taps;
        alignas(32) std::int32_t at[chunk];
        const bool all = places(n, at);
        if constexpr (std::is_same_v<T, std::uint16_t>)
          if (all && channels <= 4 && has_avx512()) i = inside_pairs(at, n, out);
        for (; i < n; ++i) {
          prefetch(data, at[i] * static_cast<std::int64_t>(sizeof(T)) + taps.ahead);
          if (at[i] >= 0) {
            inside(data + at[i], taps.fx[i], taps.fy[i], out + i * channels);
          } else {
            single(i, out + i * channels);
          }
        }
      }
#endif
      for (; i < n; ++i) single(i, out + i * channels);
    }
  }
};

template <class T>
bool sample_pixels(const Picture& in, const Geometry& g, const Stage& stage, Paint paint, const Picture& out, Scratch& scratch) {
  // Four bytes at most, and four floats, are done in planes.
  if (!std::is_same_v<T, std::uint16_t> && in.channels <= 4) return false;
  SampledPixels<T> sampled(in, g, stage, paint, out.width, scratch);
  make_rows<T>(out, true, scratch, [&](std::int64_t y, T* row) { sampled.make(y, row); });
  return true;
}

}  // namespace covary::COVARY_ENGINE
