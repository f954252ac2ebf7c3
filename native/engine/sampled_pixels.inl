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

  void make(std::int64_t y, T* row) {
    const Surface<T>& s = sampled.surface;
    const Taps& taps = sampled.taps;
    for (std::int64_t x0 = 0; x0 < sampled.width; x0 += chunk) {
      const int n = static_cast<int>(std::min<std::int64_t>(chunk, sampled.width - x0));
      sampled.find_taps(y, x0, n);
      T* out = row + x0 * s.channels;
#if defined(COVARY_ENGINE_AVX2)
      const std::int64_t reach = s.stride + s.channels + (s.channels + lanes - 1) / lanes * lanes;
      for (int i = 0; i < n; ++i, out += s.channels) {
        const std::int64_t x = taps.x[i], v = taps.y[i];
        const std::int64_t at = v * s.stride + x * s.channels;
        prefetch(s.data, at * static_cast<std::int64_t>(sizeof(T)) + taps.ahead);
        if (x >= 0 && v >= 0 && x + 1 < s.width && at + reach <= values && !(taps.any_far && taps.far[i])) {
          inside(s.data + at, taps.fx[i], taps.fy[i], out);
        } else {
          single(i, out);
        }
      }
#else
      for (int i = 0; i < n; ++i, out += s.channels) single(i, out);
#endif
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
