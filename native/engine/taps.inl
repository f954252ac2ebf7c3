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
  // Where they are known at once: the lowest and the highest first taps of the chunk.
  bool bounded = false;
  std::int32_t low_x = 0, high_x = 0, low_y = 0, high_y = 0;
  std::int64_t ahead = 0;  // from a pixel's first tap to that of the pixel some rows further down, in bytes
};

// A chunk of an affine map: pixel i samples at base + rest + i * d, in float32 from an exact start.
struct Ray {
  std::int32_t base_x, base_y;
  float rest_x, rest_y, dx, dy;
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

COVARY_INLINE float mix(float a, float b, float t) { return a + t * (b - a); }

// Between two neighbouring bytes, weights are whole numbers that add up to this: their mixture is a whole number, which a
// float holds exactly, and processors multiply and add pairs of such in one instruction. Positions along x are rounded to
// 2**-14 px by it, an error of 0.008 levels at most.
constexpr std::int32_t weights = 1 << 14;

// A mixture of two bytes, `weights` times as large.
COVARY_INLINE float mix_bytes(std::uint8_t left, std::uint8_t right, float fx) {
  const std::int32_t w = round_even(fx * static_cast<float>(weights));
  return static_cast<float>((weights - w) * left + w * right);
}

// Pixels first .. end of a chunk, one by one, as in the fast groups: of bytes the columns are mixed first and then the rows, of
// all else, and of bytes in more than four channels, the rows first. `Channels` is 0 where their number is not known beforehand.
template <int Channels, class T>
void linear_pixels(const Surface<T>& s, const Taps& taps, int first, int end, Planes out) {
  const std::int64_t channels = Channels > 0 ? Channels : s.channels;
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
    const T* p00 = s.data + y0 * s.stride + x0 * channels;
    const T* p01 = s.data + y0 * s.stride + x1 * channels;
    const T* p10 = s.data + y1 * s.stride + x0 * channels;
    const T* p11 = s.data + y1 * s.stride + x1 * channels;
    const float fx = taps.fx[i];
    const float fy = taps.fy[i];
    for (std::int64_t c = 0; c < channels; ++c) {
      if constexpr (std::is_same_v<T, std::uint8_t> && Channels > 0) {
        constexpr float scale = 1.0F / static_cast<float>(weights);
        out[c][i] = scale * mix(mix_bytes(p00[c], p01[c], fx), mix_bytes(p10[c], p11[c], fx), fy);
      } else {
        const float left = mix(static_cast<float>(p00[c]), static_cast<float>(p10[c]), fy);
        const float right = mix(static_cast<float>(p01[c]), static_cast<float>(p11[c]), fy);
        out[c][i] = mix(left, right, fx);
      }
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

// Keys' cubic convolution with a = -0.5: the weight of tap k is ((a t + b) t + c) t + d.
alignas(16) static constexpr float keys[4][4] = {
    {-0.5F, 1.5F, -1.5F, 0.5F}, {1.0F, -2.5F, 2.0F, -0.5F}, {-0.5F, 0.0F, 0.5F, 0.0F}, {0.0F, 1.0F, 0.0F, 0.0F}};

inline void cubic_weights(float t, float w[4]) {
  for (int k = 0; k < 4; ++k) w[k] = ((keys[0][k] * t + keys[1][k]) * t + keys[2][k]) * t + keys[3][k];
}

template <int Channels, class T>
void cubic_pixels(const Surface<T>& s, const Taps& taps, int first, int end, Planes out) {
  const std::int64_t channels = Channels > 0 ? Channels : s.channels;
  for (int i = first; i < end; ++i) {
    std::int64_t at_x[4];
    std::int64_t at_y[4];
    float wx[4];
    float wy[4];
    cubic_weights(taps.fx[i], wx);
    cubic_weights(taps.fy[i], wy);
    const std::int64_t x = taps.x[i];
    const std::int64_t y = taps.y[i];
    const bool inside = x >= 1 && x + 2 < s.width && y >= 1 && y + 2 < s.height;
    for (int k = 0; k < 4; ++k) {
      at_x[k] = (inside ? x + k - 1 : border_index(x + k - 1, s.width, s.border)) * channels;
      at_y[k] = (inside ? y + k - 1 : border_index(y + k - 1, s.height, s.border)) * s.stride;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      float column[4];
      for (int k = 0; k < 4; ++k) {
        const T* p = s.data + at_x[k] + c;
        column[k] = (wy[0] * static_cast<float>(p[at_y[0]]) + wy[1] * static_cast<float>(p[at_y[1]])) +
                    (wy[2] * static_cast<float>(p[at_y[2]]) + wy[3] * static_cast<float>(p[at_y[3]]));
      }
      out[c][i] = (wx[0] * column[0] + wx[1] * column[1]) + (wx[2] * column[2] + wx[3] * column[3]);
    }
  }
}

#if defined(COVARY_ENGINE_AVX2)

inline __m128 cubic_weights(float t) {
  const __m128 v = _mm_set1_ps(t);
  __m128 w = _mm_add_ps(_mm_mul_ps(_mm_load_ps(keys[0]), v), _mm_load_ps(keys[1]));
  w = _mm_add_ps(_mm_mul_ps(w, v), _mm_load_ps(keys[2]));
  return _mm_add_ps(_mm_mul_ps(w, v), _mm_load_ps(keys[3]));
}

// Pixels of three bytes: the twelve values of four taps go through registers of eight and of four.
inline void cubic_pixels3(const Surface<std::uint8_t>& s, const Taps& taps, int n, Planes out) {
  const std::int64_t most_x = (s.stride - 13) / 3;  // 16-byte loads from one pixel to the left
  for (int i = 0; i < n; ++i) {
    const std::int64_t x = taps.x[i];
    const std::int64_t y = taps.y[i];
    if (x < 1 || x > most_x || y < 1 || y + 2 >= s.height) {
      cubic_pixels<3>(s, taps, i, i + 1, out);
      continue;
    }
    const __m128 wx = cubic_weights(taps.fx[i]);
    const __m128 wy = cubic_weights(taps.fy[i]);
    const std::uint8_t* p = s.data + (y - 1) * s.stride + 3 * (x - 1);
    __m256 first[4];
    __m128 rest[4];
    for (int k = 0; k < 4; ++k) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + k * s.stride));
      const __m256 weight = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(wy), _mm256_set1_epi32(k));
      first[k] = _mm256_mul_ps(weight, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)));
      rest[k] = _mm_mul_ps(_mm256_castps256_ps128(weight), _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_srli_si128(bytes, 8))));
    }
    const __m256 columns = _mm256_add_ps(_mm256_add_ps(first[0], first[1]), _mm256_add_ps(first[2], first[3]));
    const __m128 last = _mm_add_ps(_mm_add_ps(rest[0], rest[1]), _mm_add_ps(rest[2], rest[3]));
    const __m256 along = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(wx), _mm256_setr_epi32(0, 0, 0, 1, 1, 1, 2, 2));
    const __m256 weighted = _mm256_mul_ps(along, columns);
    const __m128i end = _mm_castps_si128(_mm_mul_ps(_mm_permute_ps(wx, 0xFE), last));  // taps 2, 3, 3, 3
    const __m128i low = _mm_castps_si128(_mm256_castps256_ps128(weighted));
    const __m128i high = _mm_castps_si128(_mm256_extractf128_ps(weighted, 1));
    const __m128 second = _mm_castsi128_ps(_mm_alignr_epi8(high, low, 12));
    const __m128 third = _mm_castsi128_ps(_mm_alignr_epi8(end, high, 8));
    const __m128 fourth = _mm_castsi128_ps(_mm_srli_si128(end, 4));
    alignas(16) float pixel[4];
    _mm_store_ps(pixel, _mm_add_ps(_mm_add_ps(_mm_castsi128_ps(low), second), _mm_add_ps(third, fourth)));
    for (int c = 0; c < 3; ++c) out[c][i] = pixel[c];
  }
}

#endif

template <class T>
void cubic_chunk(const Surface<T>& s, const Taps& taps, int n, Planes out) {
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (s.channels == 3) return cubic_pixels3(s, taps, n, out);
#endif
  switch (s.channels) {
    case 1: return cubic_pixels<1>(s, taps, 0, n, out);
    case 3: return cubic_pixels<3>(s, taps, 0, n, out);
    default: return cubic_pixels<0>(s, taps, 0, n, out);
  }
}

#if defined(COVARY_ENGINE_AVX2)

// Eight pixels and their right-hand neighbours, from eight unaligned 8-byte loads: bytes of equal component, first the left
// pixel's channels and then the right one's, are brought together, in pairs of pixels and then in fours.
struct Bytes8x8 {
  __m256i low;   // components 0 .. 3
  __m256i high;  // components 4 .. 7
};

COVARY_INLINE __m128i load_two(const std::uint8_t* base, std::int64_t a, std::int64_t b) {
  const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(base + a));
  return _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(first), reinterpret_cast<const double*>(base + b)));
}

COVARY_INLINE Bytes8x8 load_pairs(const std::uint8_t* base, const std::int32_t* o) {
  const __m256i by_component = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,  //
                                                0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  const __m256i a = _mm256_shuffle_epi8(_mm256_set_m128i(load_two(base, o[4], o[5]), load_two(base, o[0], o[1])), by_component);
  const __m256i b = _mm256_shuffle_epi8(_mm256_set_m128i(load_two(base, o[6], o[7]), load_two(base, o[2], o[3])), by_component);
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

// One component of eight pixels in the low half of 32-bit numbers, or (High) in their high half.
template <int Component, bool High>
COVARY_INLINE __m256i spread(const Bytes8x8& bytes) {
  constexpr char k = 4 * (Component & 3);
  const __m256i places =
      High ? _mm256_setr_epi8(-1, -1, k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1,  //
                              -1, -1, k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1)
           : _mm256_setr_epi8(k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1, -1, -1,  //
                              k, -1, -1, -1, k + 1, -1, -1, -1, k + 2, -1, -1, -1, k + 3, -1, -1, -1);
  return _mm256_shuffle_epi8(Component < 4 ? bytes.low : bytes.high, places);
}

template <int Component>
COVARY_INLINE __m256 component(const Bytes8x8& bytes) {
  return _mm256_cvtepi32_ps(spread<Component, false>(bytes));
}

COVARY_INLINE __m256 mix(__m256 a, __m256 b, __m256 t) { return _mm256_add_ps(a, _mm256_mul_ps(t, _mm256_sub_ps(b, a))); }

// The weights of the left and of the right tap side by side, see mix_bytes.
COVARY_INLINE __m256i column_weights(__m256 fx) {
  const __m256i w = _mm256_cvtps_epi32(_mm256_mul_ps(fx, _mm256_set1_ps(static_cast<float>(weights))));
  return _mm256_add_epi32(_mm256_sub_epi32(_mm256_slli_epi32(w, 16), w), _mm256_set1_epi32(weights));
}

template <int Channels, int C>
COVARY_INLINE void linear_channel(const Bytes8x8& top, const Bytes8x8& bottom, __m256i wx, __m256 fy, float* out) {
  const auto row = [&](const Bytes8x8& bytes) {
    const __m256i pairs = _mm256_or_si256(spread<C, false>(bytes), spread<C + Channels, true>(bytes));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, wx));
  };
  const __m256 scale = _mm256_set1_ps(1.0F / static_cast<float>(weights));
  _mm256_storeu_ps(out, _mm256_mul_ps(scale, mix(row(top), row(bottom), fy)));
}

template <int Channels>
COVARY_INLINE void linear_channels(const Bytes8x8& top, const Bytes8x8& bottom, const float* fx, const float* fy, Planes out) {
  const __m256i wx = column_weights(_mm256_loadu_ps(fx));
  const __m256 ty = _mm256_loadu_ps(fy);
  linear_channel<Channels, 0>(top, bottom, wx, ty, out[0]);
  if constexpr (Channels > 1) linear_channel<Channels, 1>(top, bottom, wx, ty, out[1]);
  if constexpr (Channels > 2) linear_channel<Channels, 2>(top, bottom, wx, ty, out[2]);
  if constexpr (Channels > 3) linear_channel<Channels, 3>(top, bottom, wx, ty, out[3]);
}

// Eight pixels whose taps all lie inside, clear of the right edge by what an 8-byte load needs.
template <int Channels>
COVARY_INLINE void inside_group(const std::uint8_t* data, std::int64_t stride, const std::int32_t* offsets, const float* fx,
                         const float* fy, Planes out) {
  linear_channels<Channels>(load_pairs(data, offsets), load_pairs(data + stride, offsets), fx, fy, out);
}

// Sixteen pixels of three bytes and their right-hand neighbours: lanes of pixels 0 1, 4 5, 8 9, 12 13 and of 2 3, 6 7 ...
struct Pairs16 {
  __m512i first, second;
};

COVARY_AVX512 inline Pairs16 load_pairs16(const std::uint8_t* base, const std::int32_t* o) {
  const __m256i a0 = _mm256_set_m128i(load_two(base, o[4], o[5]), load_two(base, o[0], o[1]));
  const __m256i a1 = _mm256_set_m128i(load_two(base, o[12], o[13]), load_two(base, o[8], o[9]));
  const __m256i b0 = _mm256_set_m128i(load_two(base, o[6], o[7]), load_two(base, o[2], o[3]));
  const __m256i b1 = _mm256_set_m128i(load_two(base, o[14], o[15]), load_two(base, o[10], o[11]));
  return {_mm512_inserti64x4(_mm512_castsi256_si512(a0), a1, 1), _mm512_inserti64x4(_mm512_castsi256_si512(b0), b1, 1)};
}

COVARY_AVX512 inline __m512 mix16(__m512 a, __m512 b, __m512 t) {
  return _mm512_add_ps(a, _mm512_mul_ps(t, _mm512_sub_ps(b, a)));
}

// A channel of both taps of each pixel as two 16-bit numbers, times their weights.
COVARY_AVX512 inline __m512 mix_columns16(const Pairs16& pairs, int channel, __m512i wx) {
  const auto c = static_cast<char>(channel);
  const auto at = [&](int k) { return static_cast<char>(c + k); };
  const __m512i places = _mm512_broadcast_i32x4(
      _mm_setr_epi8(c, -1, at(3), -1, at(8), -1, at(11), -1, c, -1, at(3), -1, at(8), -1, at(11), -1));
  constexpr __mmask64 upper = 0xff00ff00ff00ff00U;  // of every lane
  const __m512i lower = _mm512_shuffle_epi8(pairs.first, places);
  const __m512i both = _mm512_mask_shuffle_epi8(lower, upper, pairs.second, places);
  return _mm512_cvtepi32_ps(_mm512_madd_epi16(both, wx));
}

// Groups of sixteen that all lie inside; returns how many pixels were made.
COVARY_AVX512 inline int inside_groups16(const Surface<std::uint8_t>& s, const Taps& taps, const std::int32_t* offsets, int n,
                                         Planes out) {
  const __m512 scale = _mm512_set1_ps(1.0F / static_cast<float>(weights));
  int i = 0;
  for (; i + 16 <= n; i += 16) {
    prefetch(s.data, offsets[i] + taps.ahead);
    prefetch(s.data, offsets[i + 8] + taps.ahead);
    const Pairs16 top = load_pairs16(s.data, offsets + i);
    // The offsets are read a second time: kept for the second row, they would go into vector registers and back.
    __asm__ volatile("" ::: "memory");
    const Pairs16 bottom = load_pairs16(s.data + s.stride, offsets + i);
    const __m512i w = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(taps.fx + i), _mm512_set1_ps(static_cast<float>(weights))));
    const __m512i wx = _mm512_add_epi32(_mm512_sub_epi32(_mm512_slli_epi32(w, 16), w), _mm512_set1_epi32(weights));
    const __m512 ty = _mm512_loadu_ps(taps.fy + i);
#pragma GCC unroll 3
    for (int c = 0; c < 3; ++c) {
      const __m512 mixed = mix16(mix_columns16(top, c, wx), mix_columns16(bottom, c, wx), ty);
      _mm512_storeu_ps(out[c] + i, _mm512_mul_ps(scale, mixed));
    }
  }
  return i;
}

// The same for a chunk that lies on a ray: of its taps, only offsets and fractions are found. n is a multiple of sixteen.
COVARY_AVX512 inline void inside_ray16(const Surface<std::uint8_t>& s, const Ray& ray, Taps& taps, int n, Planes out) {
  const __m512 from_x = _mm512_set1_ps(ray.rest_x), step_x = _mm512_set1_ps(ray.dx);
  const __m512 from_y = _mm512_set1_ps(ray.rest_y), step_y = _mm512_set1_ps(ray.dy);
  const __m512i stride = _mm512_set1_epi32(static_cast<int>(s.stride));
  const __m512i base = _mm512_set1_epi32(static_cast<int>(ray.base_y * s.stride + std::int64_t{ray.base_x} * 3));
  __m512 at = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  alignas(64) std::int32_t offsets[chunk];
  for (int i = 0; i < n; i += 16, at = _mm512_add_ps(at, _mm512_set1_ps(16))) {
    const __m512 tx = _mm512_add_ps(from_x, _mm512_mul_ps(step_x, at));
    const __m512 ty = _mm512_add_ps(from_y, _mm512_mul_ps(step_y, at));
    const __m512 floor_x = _mm512_roundscale_ps(tx, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512 floor_y = _mm512_roundscale_ps(ty, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512i x = _mm512_cvttps_epi32(floor_x);
    const __m512i columns = _mm512_add_epi32(base, _mm512_add_epi32(_mm512_add_epi32(x, x), x));
    _mm512_store_si512(offsets + i, _mm512_add_epi32(_mm512_mullo_epi32(_mm512_cvttps_epi32(floor_y), stride), columns));
    _mm512_storeu_ps(taps.fx + i, _mm512_sub_ps(tx, floor_x));
    _mm512_storeu_ps(taps.fy + i, _mm512_sub_ps(ty, floor_y));
  }
  // Through memory: see linear_groups.
  __asm__ volatile("" ::: "memory");
  inside_groups16(s, taps, offsets, n, out);
}

// One pixel of at most four bytes, in the low bytes of the result; reads no byte outside the surface of 4 bytes or more.
template <int Channels>
COVARY_INLINE std::uint64_t load_pixel(const std::uint8_t* data, std::int64_t offset) {
  std::uint32_t bits;
  if constexpr (Channels == 4) {
    std::memcpy(&bits, data + offset, 4);
    return bits;
  }
  constexpr std::int64_t back = 4 - Channels;
  if (offset >= back) {
    std::memcpy(&bits, data + offset - back, 4);
    return bits >> (8 * back);
  }
  std::memcpy(&bits, data, 4);
  return (bits >> (8 * offset)) & (0xffffffffU >> (8 * back));
}

// Eight pixels anywhere: the pairs of taps are put side by side first.
template <int Channels>
COVARY_INLINE void border_group(const Surface<std::uint8_t>& s, const std::int32_t* x, const std::int32_t* y, const float* fx,
                         const float* fy, Planes out) {
  alignas(32) std::uint64_t pairs[2][lanes];
  static constexpr std::int32_t offsets[lanes] = {0, 8, 16, 24, 32, 40, 48, 56};
  for (int i = 0; i < lanes; ++i) {
    const std::int64_t x0 = border_index(x[i], s.width, s.border) * Channels;
    const std::int64_t x1 = border_index(std::int64_t{x[i]} + 1, s.width, s.border) * Channels;
    const std::int64_t y0 = border_index(y[i], s.height, s.border) * s.stride;
    const std::int64_t y1 = border_index(std::int64_t{y[i]} + 1, s.height, s.border) * s.stride;
    pairs[0][i] = load_pixel<Channels>(s.data, y0 + x0) | load_pixel<Channels>(s.data, y0 + x1) << (8 * Channels);
    pairs[1][i] = load_pixel<Channels>(s.data, y1 + x0) | load_pixel<Channels>(s.data, y1 + x1) << (8 * Channels);
  }
  const auto* top = reinterpret_cast<const std::uint8_t*>(pairs[0]);
  const auto* bottom = reinterpret_cast<const std::uint8_t*>(pairs[1]);
  linear_channels<Channels>(load_pairs(top, offsets), load_pairs(bottom, offsets), fx, fy, out);
}

// Bit k is set where all of 0 <= x <= most_x and 0 <= y <= most_y hold for pixel k.
COVARY_INLINE unsigned inside_mask(const std::int32_t* x, const std::int32_t* y, __m256i most_x, __m256i most_y) {
  const __m256i vx = _mm256_load_si256(reinterpret_cast<const __m256i*>(x));
  const __m256i vy = _mm256_load_si256(reinterpret_cast<const __m256i*>(y));
  const __m256i out = _mm256_or_si256(_mm256_or_si256(_mm256_cmpgt_epi32(vx, most_x), _mm256_cmpgt_epi32(vy, most_y)),
                                      _mm256_or_si256(vx, vy));
  return ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(out))) & 0xffU;
}

// A product that needs no multiplication, which is slow in registers of integers.
template <int Factor>
COVARY_INLINE __m256i times(__m256i x) {
  const __m256i twice = _mm256_add_epi32(x, x);
  if constexpr (Factor == 1) return x;
  if constexpr (Factor == 2) return twice;
  if constexpr (Factor == 3) return _mm256_add_epi32(twice, x);
  if constexpr (Factor == 4) return _mm256_add_epi32(twice, twice);
}

// Whether all taps of a chunk lie inside, clear of the right edge by what an 8-byte load needs.
template <int Channels>
COVARY_INLINE bool wide_inside(const Surface<std::uint8_t>& s, const Taps& taps) {
  return taps.bounded && taps.low_x >= 0 && taps.low_y >= 0 && taps.high_y <= s.height - 2 &&
         taps.high_x <= (s.stride >= 8 ? (s.stride - 8) / Channels : -1) && s.height * s.stride < std::int64_t{1} << 31;
}

template <int Channels>
int linear_groups(const Surface<std::uint8_t>& s, const Taps& taps, int n, Planes out) {
  if (s.height * s.stride < 4 || s.height * s.stride >= std::int64_t{1} << 31) return 0;
  const __m256i most_x = _mm256_set1_epi32(static_cast<int>(s.stride >= 8 ? (s.stride - 8) / Channels : -1));
  const __m256i most_y = _mm256_set1_epi32(static_cast<int>(s.height - 2));
  const __m256i stride = _mm256_set1_epi32(static_cast<int>(s.stride));
  const bool all = wide_inside<Channels>(s, taps);
  // Offsets go through memory: taking them out of a register costs more shuffles than all the rest can hide.
  alignas(32) std::int32_t offsets[chunk];
  unsigned inside[chunk / lanes];
  for (int i = 0; i + lanes <= n; i += lanes) {
    const __m256i x = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.x + i));
    const __m256i y = _mm256_load_si256(reinterpret_cast<const __m256i*>(taps.y + i));
    _mm256_store_si256(reinterpret_cast<__m256i*>(offsets + i),
                       _mm256_add_epi32(_mm256_mullo_epi32(y, stride), times<Channels>(x)));
    inside[i / lanes] = all ? 0xffU : inside_mask(taps.x + i, taps.y + i, most_x, most_y);
  }
  __asm__ volatile("" ::: "memory");
  int i = 0;
  if constexpr (Channels == 3)
    if (all && has_avx512()) i = inside_groups16(s, taps, offsets, n, out);
  for (; i + lanes <= n; i += lanes) {
    const Planes here{out.data + i, out.stride};
    prefetch(s.data, offsets[i] + taps.ahead);
    if (inside[i / lanes] == 0xffU) {
      inside_group<Channels>(s.data, s.stride, offsets + i, taps.fx + i, taps.fy + i, here);
    } else {
      border_group<Channels>(s, taps.x + i, taps.y + i, taps.fx + i, taps.fy + i, here);
    }
  }
  return i;
}

// Four channels from here on, of two pixels.
COVARY_INLINE __m256 load_floats(const float* data, std::int64_t a, std::int64_t b) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(data + a)), _mm_loadu_ps(data + b), 1);
}

// Float pictures of three or four channels: two pixels side by side in a register, then four such turned into planes.
template <int Channels>
int float_groups(const Surface<float>& s, const Taps& taps, int n, Planes out) {
  if (s.height * s.stride >= std::int64_t{1} << 31) return 0;
  constexpr int reach = Channels + 4;  // floats that the loads of a pixel and its neighbour touch
  const __m256i most_x = _mm256_set1_epi32(static_cast<int>(s.stride >= reach ? (s.stride - reach) / Channels : -1));
  const __m256i most_y = _mm256_set1_epi32(static_cast<int>(s.height - 2));
  int i = 0;
  for (; i + lanes <= n; i += lanes) {
    if (inside_mask(taps.x + i, taps.y + i, most_x, most_y) != 0xffU) {
      linear_pixels<Channels>(s, taps, i, i + lanes, out);
      continue;
    }
    __m256 pixels[4];
    for (int k = 0; k < 4; ++k) {
      const int a = i + k;
      const int b = a + 4;
      const std::int64_t at_a = taps.y[a] * s.stride + taps.x[a] * Channels;
      const std::int64_t at_b = taps.y[b] * s.stride + taps.x[b] * Channels;
      const __m256 fx = _mm256_set_m128(_mm_set1_ps(taps.fx[b]), _mm_set1_ps(taps.fx[a]));
      const __m256 fy = _mm256_set_m128(_mm_set1_ps(taps.fy[b]), _mm_set1_ps(taps.fy[a]));
      const float* below = s.data + s.stride;
      const __m256 left = mix(load_floats(s.data, at_a, at_b), load_floats(below, at_a, at_b), fy);
      const __m256 right = mix(load_floats(s.data + Channels, at_a, at_b), load_floats(below + Channels, at_a, at_b), fy);
      pixels[k] = mix(left, right, fx);
    }
    const __m256 p = _mm256_unpacklo_ps(pixels[0], pixels[1]);
    const __m256 q = _mm256_unpacklo_ps(pixels[2], pixels[3]);
    const __m256 u = _mm256_unpackhi_ps(pixels[0], pixels[1]);
    const __m256 v = _mm256_unpackhi_ps(pixels[2], pixels[3]);
    _mm256_storeu_ps(out[0] + i, _mm256_shuffle_ps(p, q, 0x44));
    _mm256_storeu_ps(out[1] + i, _mm256_shuffle_ps(p, q, 0xEE));
    _mm256_storeu_ps(out[2] + i, _mm256_shuffle_ps(u, v, 0x44));
    if constexpr (Channels == 4) _mm256_storeu_ps(out[3] + i, _mm256_shuffle_ps(u, v, 0xEE));
  }
  return i;
}

// Eight values of any type, as floats.
COVARY_INLINE __m256 load_values(const std::uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
COVARY_INLINE __m256 load_values(const std::uint16_t* p) { return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(load_128(p))); }
COVARY_INLINE __m256 load_values(const float* p) { return _mm256_loadu_ps(p); }

// Whether there are no groups of pixels for such a picture, but enough channels to be worth a register for each pixel.
template <class T>
bool linear_by_pixel(std::int64_t channels) {
  if (std::is_same_v<T, std::uint16_t>) return channels > 1;
  if (std::is_same_v<T, float>) return channels == 2 || channels > 4;
  return channels > 4;
}

// The pixels of a chunk one by one, channels side by side; a pixel's last store may reach into the next pixel's values.
template <class T>
void linear_by_pixel(const Surface<T>& s, const Taps& taps, int n, float* COVARY_RESTRICT values) {
  const std::int64_t channels = s.channels;
  const std::int64_t reach = s.height * s.stride - std::max<std::int64_t>(channels, lanes);  // first value of the last load
  const __m256i right_half = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(static_cast<int>(channels)));
  for (int i = 0; i < n; ++i, values += channels) {
    const std::int64_t x = taps.x[i], y = taps.y[i];
    const std::int64_t at = y * s.stride + x * channels;
    const bool inside = x >= 0 && y >= 0 && x + 1 < s.width && y + 1 < s.height && at + s.stride + channels <= reach;
    if (!inside) {
      linear_pixels<0>(s, taps, i, i + 1, Planes{values - i, 1});
      continue;
    }
    const T* top = s.data + at;
    const T* bottom = top + s.stride;
    prefetch(top, taps.ahead);
    const __m256 fx = _mm256_set1_ps(taps.fx[i]);
    const __m256 fy = _mm256_set1_ps(taps.fy[i]);
    if (2 * channels <= lanes) {
      // Both pixels of a row in one register.
      const __m256 both = mix(load_values(top), load_values(bottom), fy);
      _mm256_storeu_ps(values, mix(both, _mm256_permutevar8x32_ps(both, right_half), fx));
      continue;
    }
    for (std::int64_t c = 0;;) {
      const __m256 left = mix(load_values(top + c), load_values(bottom + c), fy);
      const __m256 right = mix(load_values(top + channels + c), load_values(bottom + channels + c), fy);
      _mm256_storeu_ps(values + c, mix(left, right, fx));
      if (c + lanes >= channels) break;
      c = std::min(c + lanes, channels - lanes);
    }
  }
}

#endif

template <class T>
void linear_chunk(const Surface<T>& s, const Taps& taps, int n, Planes out) {
  int i = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (s.channels == 3) i = linear_groups<3>(s, taps, n, out);
    if (s.channels == 1) i = linear_groups<1>(s, taps, n, out);
    if (s.channels == 4) i = linear_groups<4>(s, taps, n, out);
    if (s.channels == 2) i = linear_groups<2>(s, taps, n, out);
  }
  if constexpr (std::is_same_v<T, float>) {
    if (s.channels == 3) i = float_groups<3>(s, taps, n, out);
    if (s.channels == 4) i = float_groups<4>(s, taps, n, out);
  }
#endif
  switch (s.channels) {
    case 1: return linear_pixels<1>(s, taps, i, n, out);
    case 2: return linear_pixels<2>(s, taps, i, n, out);
    case 3: return linear_pixels<3>(s, taps, i, n, out);
    case 4: return linear_pixels<4>(s, taps, i, n, out);
    default: return linear_pixels<0>(s, taps, i, n, out);
  }
}

}  // namespace covary::COVARY_ENGINE
