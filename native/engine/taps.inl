// Reading values between pixel centres: groups of eight pixels well inside the source, and single pixels anywhere.
namespace covary::COVARY_ENGINE {

// For each pixel of a chunk: the index of its first tap and the fraction beyond it, along both axes.
struct Taps {
  alignas(32) std::int32_t x[chunk];
  alignas(32) std::int32_t y[chunk];
  alignas(32) float fx[chunk];
  alignas(32) float fy[chunk];
  bool far[chunk];
  bool any_far = false;
};

template <class T>
struct Surface {
  const T* data;
  std::int64_t height, width, channels;
  std::int64_t stride;  // elements per row
  Border border;
};

template <class T>
Surface<T> surface_of(const Picture& in, Border border) {
  return {reinterpret_cast<const T*>(in.data), in.height, in.width, in.channels, in.width * in.channels, border};
}

inline float mix(float a, float b, float t) { return a + t * (b - a); }

// Pixels first .. end of a chunk, one by one. The rows are mixed first, then the columns, as in the fast groups.
template <class T>
void linear_pixels(const Surface<T>& s, const Taps& taps, int first, int end, Planes out) {
  for (int i = first; i < end; ++i) {
    std::int64_t x0 = taps.x[i], x1 = x0 + 1, y0 = taps.y[i], y1 = y0 + 1;
    if (x0 < 0 || x1 >= s.width) {
      x0 = border_index(x0, s.width, s.border);
      x1 = border_index(x1, s.width, s.border);
    }
    if (y0 < 0 || y1 >= s.height) {
      y0 = border_index(y0, s.height, s.border);
      y1 = border_index(y1, s.height, s.border);
    }
    const T* p00 = s.data + y0 * s.stride + x0 * s.channels;
    const T* p01 = s.data + y0 * s.stride + x1 * s.channels;
    const T* p10 = s.data + y1 * s.stride + x0 * s.channels;
    const T* p11 = s.data + y1 * s.stride + x1 * s.channels;
    const float fx = taps.fx[i];
    const float fy = taps.fy[i];
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const float left = mix(static_cast<float>(p00[c]), static_cast<float>(p10[c]), fy);
      const float right = mix(static_cast<float>(p01[c]), static_cast<float>(p11[c]), fy);
      out[c][i] = mix(left, right, fx);
    }
  }
}

template <class T>
void nearest_pixels(const Surface<T>& s, const Taps& taps, int end, Planes out) {
  for (int i = 0; i < end; ++i) {
    const std::int64_t x = border_index(taps.x[i], s.width, s.border);
    const std::int64_t y = border_index(taps.y[i], s.height, s.border);
    const T* p = s.data + y * s.stride + x * s.channels;
    for (std::int64_t c = 0; c < s.channels; ++c) out[c][i] = static_cast<float>(p[c]);
  }
}

// Keys' cubic convolution with a = -0.5.
inline void cubic_weights(float t, float w[4]) {
  w[0] = ((-0.5F * t + 1.0F) * t - 0.5F) * t;
  w[1] = (1.5F * t - 2.5F) * t * t + 1.0F;
  w[2] = ((-1.5F * t + 2.0F) * t + 0.5F) * t;
  w[3] = (0.5F * t - 0.5F) * t * t;
}

template <class T>
void cubic_pixels(const Surface<T>& s, const Taps& taps, int end, Planes out) {
  for (int i = 0; i < end; ++i) {
    std::int64_t at_x[4];
    std::int64_t at_y[4];
    float wx[4];
    float wy[4];
    cubic_weights(taps.fx[i], wx);
    cubic_weights(taps.fy[i], wy);
    for (int k = 0; k < 4; ++k) {
      at_x[k] = border_index(std::int64_t{taps.x[i]} + k - 1, s.width, s.border) * s.channels;
      at_y[k] = border_index(std::int64_t{taps.y[i]} + k - 1, s.height, s.border) * s.stride;
    }
    for (std::int64_t c = 0; c < s.channels; ++c) {
      float sum = 0.0F;
      for (int j = 0; j < 4; ++j) {
        const T* p = s.data + at_y[j] + c;
        const float row = (wx[0] * static_cast<float>(p[at_x[0]]) + wx[1] * static_cast<float>(p[at_x[1]])) +
                          (wx[2] * static_cast<float>(p[at_x[2]]) + wx[3] * static_cast<float>(p[at_x[3]]));
        sum += wy[j] * row;
      }
      out[c][i] = sum;
    }
  }
}

#if defined(COVARY_ENGINE_AVX2)

// Eight pixels of three bytes and their right-hand neighbours, from eight unaligned 8-byte loads: bytes of equal component
// are brought together, first in pairs of pixels, then in fours.
struct Bytes6x8 {
  __m256i low;   // components 0..3 of the left pixel's r, g, b and the right one's r: per lane four pixels each
  __m256i high;  // components 4, 5: the right one's g, b
};

inline __m128i load_two(const std::uint8_t* base, std::int64_t a, std::int64_t b) {
  const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(base + a));
  return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(first), reinterpret_cast<const double*>(base + b)));
}

inline Bytes6x8 load_pairs(const std::uint8_t* base, const std::int32_t* o) {
  const __m256i by_component = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,  //
                                                0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  const __m256i a = _mm256_shuffle_epi8(_mm256_set_m128i(load_two(base, o[4], o[5]), load_two(base, o[0], o[1])), by_component);
  const __m256i b = _mm256_shuffle_epi8(_mm256_set_m128i(load_two(base, o[6], o[7]), load_two(base, o[2], o[3])), by_component);
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

template <int Component>
inline __m256 component(const Bytes6x8& bytes) {
  constexpr char k = 4 * (Component & 3);
  const __m256i spread = _mm256_setr_epi8(k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1, -1, -1,  //
                                          k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1, -1, -1);
  return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(Component < 4 ? bytes.low : bytes.high, spread));
}

inline __m256 mix(__m256 a, __m256 b, __m256 t) { return _mm256_add_ps(a, _mm256_mul_ps(t, _mm256_sub_ps(b, a))); }

template <int C>
inline void linear_channel(const Bytes6x8& top, const Bytes6x8& bottom, __m256 fx, __m256 fy, float* out) {
  const __m256 left = mix(component<C>(top), component<C>(bottom), fy);
  const __m256 right = mix(component<C + 3>(top), component<C + 3>(bottom), fy);
  _mm256_storeu_ps(out, mix(left, right, fx));
}

// Eight pixels whose taps all lie inside, two columns clear of the right edge.
inline void linear_group3(const std::uint8_t* data, std::int64_t stride, const std::int32_t* offsets, const float* fx,
                          const float* fy, Planes out) {
  const Bytes6x8 top = load_pairs(data, offsets);
  const Bytes6x8 bottom = load_pairs(data + stride, offsets);
  const __m256 tx = _mm256_loadu_ps(fx);
  const __m256 ty = _mm256_loadu_ps(fy);
  linear_channel<0>(top, bottom, tx, ty, out[0]);
  linear_channel<1>(top, bottom, tx, ty, out[1]);
  linear_channel<2>(top, bottom, tx, ty, out[2]);
}

// Bit k is set where all of 0 <= x <= most_x and 0 <= y <= most_y hold for pixel k.
inline unsigned inside_mask(const std::int32_t* x, const std::int32_t* y, __m256i most_x, __m256i most_y) {
  const __m256i vx = _mm256_load_si256(reinterpret_cast<const __m256i*>(x));
  const __m256i vy = _mm256_load_si256(reinterpret_cast<const __m256i*>(y));
  const __m256i out = _mm256_or_si256(_mm256_or_si256(_mm256_cmpgt_epi32(vx, most_x), _mm256_cmpgt_epi32(vy, most_y)),
                                      _mm256_or_si256(vx, vy));
  return ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(out))) & 0xffU;
}

#endif

template <class T>
void linear_chunk(const Surface<T>& s, const Taps& taps, int n, Planes out) {
  int i = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (s.channels == 3 && s.width >= 3 && s.height >= 2 && s.height * s.stride < std::int64_t{1} << 31) {
      const __m256i most_x = _mm256_set1_epi32(static_cast<int>(s.width - 3));
      const __m256i most_y = _mm256_set1_epi32(static_cast<int>(s.height - 2));
      const __m256i stride = _mm256_set1_epi32(static_cast<int>(s.stride));
      for (; i + lanes <= n; i += lanes) {
        const Planes here{out.data + i, out.stride};
        if (inside_mask(taps.x + i, taps.y + i, most_x, most_y) == 0xffU) {
          const __m256i vx = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.x + i));
          const __m256i vy = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.y + i));
          alignas(32) std::int32_t offsets[lanes];
          const __m256i triple = _mm256_add_epi32(_mm256_add_epi32(vx, vx), vx);
          _mm256_store_si256(reinterpret_cast<__m256i*>(offsets), _mm256_add_epi32(_mm256_mullo_epi32(vy, stride), triple));
          linear_group3(s.data, s.stride, offsets, taps.fx + i, taps.fy + i, here);
        } else {
          linear_pixels(s, taps, i, i + lanes, out);
        }
      }
    }
  }
#endif
  linear_pixels(s, taps, i, n, out);
}

}  // namespace covary::COVARY_ENGINE
