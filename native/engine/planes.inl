// A row in flight is planar float32: plane c starts at row + c * stride. Here pixels become planes and planes pixels.
namespace covary::COVARY_ENGINE {

struct Planes {
  float* data = nullptr;
  std::int64_t stride = 0;
  float* operator[](std::int64_t c) const { return data + c * stride; }
};

#if defined(COVARY_ENGINE_AVX2)

// A few hot loops are written for registers of sixteen floats too, and chosen where the processor has them.
#define COVARY_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

inline bool has_avx512() {
  static const bool found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return found;
}

// Others shuffle all bytes of a register, or look them up in tables of 64, 128 or 256.
#define COVARY_VBMI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi")))

inline bool has_vbmi() {
  static const bool found = has_avx512() && __builtin_cpu_supports("avx512vbmi");
  return found;
}

// Shuffles between pixels of three values, in three times 16 bytes, and three planes of 16 bytes each.
struct Shuffles3 {
  alignas(16) std::uint8_t apart[3][3][16];     // [source part][channel]
  alignas(16) std::uint8_t together[3][3][16];  // [target part][channel]
  alignas(16) std::uint8_t reversed[3][3][16];  // [target part][source part]
};

// Of values of 1 or 2 bytes.
constexpr Shuffles3 make_shuffles3(int value) {
  Shuffles3 s{};
  const int pixel = 3 * value;
  const auto place = [](int from) { return from >= 0 && from < 16 ? static_cast<std::uint8_t>(from) : std::uint8_t{0x80}; };
  for (int part = 0; part < 3; ++part)
    for (int c = 0; c < 3; ++c)
      for (int j = 0; j < 16; ++j) {
        s.apart[part][c][j] = place(pixel * (j / value) + c * value + j % value - 16 * part);
        const int to = 16 * part + j;
        s.together[part][c][j] = to % pixel / value == c ? place(to / pixel * value + to % value) : std::uint8_t{0x80};
        s.reversed[part][c][j] = place(48 - pixel - pixel * (to / pixel) + to % pixel - 16 * c);
      }
  return s;
}

static constexpr Shuffles3 shuffles3 = make_shuffles3(1);
static constexpr Shuffles3 shuffles6 = make_shuffles3(2);

// Ask for the line that holds base[offset]; the place may lie outside the picture, as nothing is read.
COVARY_INLINE void prefetch(const void* base, std::int64_t offset) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::intptr_t>(base) + offset), _MM_HINT_T0);
}

COVARY_INLINE __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

COVARY_INLINE __m128i merge3(const std::uint8_t masks[3][3][16], int which, bool by_channel, __m128i a, __m128i b, __m128i c) {
  const auto mask = [&](int i) { return load_128(by_channel ? masks[i][which] : masks[which][i]); };
  return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, mask(0)), _mm_shuffle_epi8(b, mask(1))),
                      _mm_shuffle_epi8(c, mask(2)));
}

inline std::int64_t widen3(const std::uint8_t* in, std::int64_t n, Planes out) {
  std::int64_t x = 0;
  for (; x + 16 <= n; x += 16) {
    const __m128i a = load_128(in + 3 * x);
    const __m128i b = load_128(in + 3 * x + 16);
    const __m128i d = load_128(in + 3 * x + 32);
    for (int c = 0; c < 3; ++c) {
      const __m128i bytes = merge3(shuffles3.apart, c, true, a, b, d);
      _mm256_storeu_ps(out[c] + x, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)));
      _mm256_storeu_ps(out[c] + x + 8, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))));
    }
  }
  return x;
}

// The same for pixels of three times 16 bits.
inline std::int64_t widen3(const std::uint16_t* in, std::int64_t n, Planes out) {
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8) {
    const __m128i a = load_128(in + 3 * x);
    const __m128i b = load_128(in + 3 * x + 8);
    const __m128i d = load_128(in + 3 * x + 16);
    for (int c = 0; c < 3; ++c)
      _mm256_storeu_ps(out[c] + x, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(merge3(shuffles6.apart, c, true, a, b, d))));
  }
  return x;
}

COVARY_INLINE __m128i narrow16(__m256 first, __m256 second) {
  const __m256 zero = _mm256_setzero_ps();
  const __m256 white = _mm256_set1_ps(255.0F);
  const __m256i a = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(first, zero), white));
  const __m256i b = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(second, zero), white));
  const __m128i low = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  const __m128i high = _mm_packs_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
  return _mm_packus_epi16(low, high);
}

// Eight values of 16 bits.
COVARY_INLINE __m128i narrow8(__m256 values) {
  const __m256 clipped = _mm256_min_ps(_mm256_max_ps(values, _mm256_setzero_ps()), _mm256_set1_ps(65535.0F));
  const __m256i whole = _mm256_cvtps_epi32(clipped);
  return _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
}

// Pixels of three bytes from load(channel, x), eight values of a plane.
template <class Load>
COVARY_INLINE std::int64_t narrow3(std::int64_t n, std::uint8_t* out, Load load) {
  std::int64_t x = 0;
  for (; x + 16 <= n; x += 16) {
    const __m128i r = narrow16(load(0, x), load(0, x + 8));
    const __m128i g = narrow16(load(1, x), load(1, x + 8));
    const __m128i b = narrow16(load(2, x), load(2, x + 8));
    for (int part = 0; part < 3; ++part)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 16 * part),
                       merge3(shuffles3.together, part, false, r, g, b));
  }
  return x;
}

// The same for pixels of three times 16 bits.
template <class Load>
COVARY_INLINE std::int64_t narrow3(std::int64_t n, std::uint16_t* out, Load load) {
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8) {
    const __m128i r = narrow8(load(0, x)), g = narrow8(load(1, x)), b = narrow8(load(2, x));
    for (int part = 0; part < 3; ++part)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 8 * part), merge3(shuffles6.together, part, false, r, g, b));
  }
  return x;
}

// Sixteen pixels of three bytes at a time through a 3 x 4 matrix; Grey where its rows are equal.
template <bool Grey>
std::int64_t mix_row3(const float* m, const std::uint8_t* in, std::int64_t n, std::uint8_t* out) {
  __m256 factor[12];
  for (int i = 0; i < 12; ++i) factor[i] = _mm256_set1_ps(m[i]);
  std::int64_t x = 0;
  for (; x + 16 <= n; x += 16) {
    const __m128i a = load_128(in + 3 * x);
    const __m128i b = load_128(in + 3 * x + 16);
    const __m128i d = load_128(in + 3 * x + 32);
    __m256 v[3][2];
    for (int c = 0; c < 3; ++c) {
      const __m128i bytes = merge3(shuffles3.apart, c, true, a, b, d);
      v[c][0] = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
      v[c][1] = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
    }
    __m128i planes[3];
    for (int c = 0; c < (Grey ? 1 : 3); ++c) {
      const auto row = [&](int half) {
        const __m256 rg = _mm256_add_ps(_mm256_mul_ps(factor[4 * c], v[0][half]), _mm256_mul_ps(factor[4 * c + 1], v[1][half]));
        return _mm256_add_ps(_mm256_add_ps(rg, _mm256_mul_ps(factor[4 * c + 2], v[2][half])), factor[4 * c + 3]);
      };
      planes[c] = narrow16(row(0), row(1));
    }
    if (Grey) planes[1] = planes[2] = planes[0];
    for (int part = 0; part < 3; ++part)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 16 * part),
                       merge3(shuffles3.together, part, false, planes[0], planes[1], planes[2]));
  }
  return x;
}

// The same for three times 16 bits, eight pixels at a time.
template <bool Grey>
std::int64_t mix_words3(const float* m, const std::uint16_t* in, std::int64_t n, std::uint16_t* out) {
  __m256 factor[12];
  for (int i = 0; i < 12; ++i) factor[i] = _mm256_set1_ps(m[i]);
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8) {
    const __m128i a = load_128(in + 3 * x);
    const __m128i b = load_128(in + 3 * x + 8);
    const __m128i d = load_128(in + 3 * x + 16);
    __m256 v[3];
    for (int c = 0; c < 3; ++c) v[c] = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(merge3(shuffles6.apart, c, true, a, b, d)));
    __m128i planes[3];
    for (int c = 0; c < (Grey ? 1 : 3); ++c) {
      const __m256 rg = _mm256_add_ps(_mm256_mul_ps(factor[4 * c], v[0]), _mm256_mul_ps(factor[4 * c + 1], v[1]));
      planes[c] = narrow8(_mm256_add_ps(_mm256_add_ps(rg, _mm256_mul_ps(factor[4 * c + 2], v[2])), factor[4 * c + 3]));
    }
    if (Grey) planes[1] = planes[2] = planes[0];
    for (int part = 0; part < 3; ++part)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 8 * part),
                       merge3(shuffles6.together, part, false, planes[0], planes[1], planes[2]));
  }
  return x;
}

// The same by registers of sixteen floats, 64 pixels at a time. A channel of sixteen pixels is one shuffle away, and so are
// their bytes from the sums. What does not fit a byte is clipped by the packing, so the sums must fit 32 bits.
struct Shuffles64 {
  alignas(64) std::uint8_t apart[3][64];     // [channel]: byte 4 j comes from 3 j + channel
  alignas(64) std::uint8_t together[3][64];  // [target part]: from parts k and k + 1, which each hold sixteen pixels
  alignas(64) std::uint8_t grey[3][64];      // [target part]: from one register of 64 pixels
};

constexpr Shuffles64 make_shuffles64() {
  Shuffles64 s{};
  for (int c = 0; c < 3; ++c)
    for (int j = 0; j < 16; ++j) s.apart[c][4 * j] = static_cast<std::uint8_t>(3 * j + c);
  for (int part = 0; part < 3; ++part)
    for (int i = 0; i < 64; ++i) {
      const int byte = 64 * part + i, pixel = byte / 3, within = pixel % 16;
      // Packing leaves quarters: four pixels of channel 0, 1 and 2, and so on.
      const int packed = 16 * (within / 4) + within % 4 + 4 * (byte % 3);
      s.together[part][i] = static_cast<std::uint8_t>(64 * (pixel / 16 - part) + packed);
      s.grey[part][i] = static_cast<std::uint8_t>(16 * (within / 4) + within % 4 + 4 * (pixel / 16));
    }
  return s;
}

static constexpr Shuffles64 shuffles64 = make_shuffles64();

// Returns how many pixels were done. Shifted where the last column of the matrix is not zero.
template <bool Grey, bool Shifted>
COVARY_VBMI std::int64_t mix_blocks3(const float* m, const std::uint8_t* in, std::int64_t n, bool streamed, std::uint8_t* out) {
  constexpr __mmask64 lowest = 0x1111111111111111U, pixels = 0x0000FFFFFFFFFFFFU;
  __m512 factor[12];
  for (int i = 0; i < 12; ++i) factor[i] = _mm512_set1_ps(m[i]);
  __m512i apart[3], together[3];
  for (int c = 0; c < 3; ++c) {
    apart[c] = _mm512_load_si512(shuffles64.apart[c]);
    together[c] = _mm512_load_si512(Grey ? shuffles64.grey[c] : shuffles64.together[c]);
  }
  // A byte under the exponent of 2**23 is that number and the byte; taking 2**23 away again is exact.
  const __m512i exponent = _mm512_set1_epi32(0x4B000000);
  const __m512 one = _mm512_set1_ps(1.0F), less = _mm512_set1_ps(-8388608.0F);
  const bool aligned = streamed && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
  std::int64_t x = 0;
  for (; x + 64 <= n; x += 64) {
    __m512i sums[4][3];
    for (int k = 0; k < 4; ++k) {
      const __m512i bytes = _mm512_maskz_loadu_epi8(pixels, in + 3 * x + 48 * k);
      __m512 v[3];
      for (int c = 0; c < 3; ++c) {
        const __m512i raised = _mm512_mask_permutexvar_epi8(exponent, lowest, apart[c], bytes);
        v[c] = _mm512_fmadd_ps(_mm512_castsi512_ps(raised), one, less);
      }
      for (int c = 0; c < (Grey ? 1 : 3); ++c) {
        const __m512 rg = _mm512_add_ps(_mm512_mul_ps(factor[4 * c], v[0]), _mm512_mul_ps(factor[4 * c + 1], v[1]));
        __m512 sum = _mm512_add_ps(rg, _mm512_mul_ps(factor[4 * c + 2], v[2]));
        if (Shifted) sum = _mm512_add_ps(sum, factor[4 * c + 3]);
        sums[k][c] = _mm512_cvtps_epi32(sum);
      }
    }
    __m512i made[3];
    if (Grey) {
      const __m512i grey = _mm512_packus_epi16(_mm512_packs_epi32(sums[0][0], sums[1][0]), _mm512_packs_epi32(sums[2][0], sums[3][0]));
      for (int part = 0; part < 3; ++part) made[part] = _mm512_permutexvar_epi8(together[part], grey);
    } else {
      __m512i packed[4];
      for (int k = 0; k < 4; ++k)
        packed[k] = _mm512_packus_epi16(_mm512_packs_epi32(sums[k][0], sums[k][1]), _mm512_packs_epi32(sums[k][2], sums[k][2]));
      for (int part = 0; part < 3; ++part) made[part] = _mm512_permutex2var_epi8(packed[part], together[part], packed[part + 1]);
    }
    auto* target = reinterpret_cast<__m512i*>(out + 3 * x);
    for (int part = 0; part < 3; ++part) {
      if (aligned) {
        _mm512_stream_si512(target + part, made[part]);
      } else {
        _mm512_storeu_si512(target + part, made[part]);
      }
    }
  }
  return x;
}

struct Shuffles32 {
  alignas(64) std::uint16_t apart[2][3][32];  // [half][channel]: word 2 j comes from parts half and half + 1
  alignas(64) std::uint16_t together[3][32];  // [target part]: from the packed channels 0 and 1, and from channel 2
  alignas(64) std::uint16_t third[32];        // what of the middle part is channel 2
  std::uint32_t is_third;
};

constexpr Shuffles32 make_shuffles32() {
  Shuffles32 s{};
  for (int half = 0; half < 2; ++half)
    for (int c = 0; c < 3; ++c)
      for (int j = 0; j < 16; ++j) s.apart[half][c][2 * j] = static_cast<std::uint16_t>(16 * half + 3 * j + c);
  for (int word = 0; word < 96; ++word) {
    const int pixel = word / 3, c = word % 3, half = pixel / 16, part = word / 32, i = word % 32;
    const int place = 8 * (pixel % 16 / 4) + pixel % 4;  // packing leaves quarters of four pixels
    if (c == 2 && part == 1) {
      s.third[i] = static_cast<std::uint16_t>(place + 4 * half);
      s.is_third |= std::uint32_t{1} << i;
    } else if (c == 2) {
      s.together[part][i] = static_cast<std::uint16_t>(32 + place + 4 * half);
    } else {
      s.together[part][i] = static_cast<std::uint16_t>((part == 1 ? 32 * half : 0) + place + 4 * c);
    }
  }
  return s;
}

static constexpr Shuffles32 shuffles32 = make_shuffles32();

// Pixels of three words of sixteen bits through a 3 x 4 matrix, 32 at a time. Returns how many were done.
COVARY_AVX512 inline std::int64_t mix_word_blocks3(const float* m, const std::uint16_t* in, std::int64_t n, bool streamed,
                                             std::uint16_t* out) {
  constexpr __mmask32 lower = 0x55555555U;
  __m512 factor[12];
  for (int i = 0; i < 12; ++i) factor[i] = _mm512_set1_ps(m[i]);
  __m512i together[3];
  for (int part = 0; part < 3; ++part) together[part] = _mm512_load_si512(shuffles32.together[part]);
  const __m512i third = _mm512_load_si512(shuffles32.third);
  const bool aligned = streamed && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
  std::int64_t x = 0;
  for (; x + 32 <= n; x += 32) {
    __m512i from[3], sums[2][3];
    for (int part = 0; part < 3; ++part) from[part] = _mm512_loadu_si512(in + 3 * x + 32 * part);
    for (int half = 0; half < 2; ++half) {
      __m512 v[3];
      for (int c = 0; c < 3; ++c)
        v[c] = _mm512_cvtepi32_ps(_mm512_maskz_permutex2var_epi16(lower, from[half], _mm512_load_si512(shuffles32.apart[half][c]),
                                                                   from[half + 1]));
      for (int c = 0; c < 3; ++c) {
        const __m512 rg = _mm512_add_ps(_mm512_mul_ps(factor[4 * c], v[0]), _mm512_mul_ps(factor[4 * c + 1], v[1]));
        sums[half][c] = _mm512_cvtps_epi32(_mm512_add_ps(_mm512_add_ps(rg, _mm512_mul_ps(factor[4 * c + 2], v[2])), factor[4 * c + 3]));
      }
    }
    const __m512i first = _mm512_packus_epi32(sums[0][0], sums[0][1]), second = _mm512_packus_epi32(sums[1][0], sums[1][1]);
    const __m512i last = _mm512_packus_epi32(sums[0][2], sums[1][2]);
    const __m512i made[3] = {
        _mm512_permutex2var_epi16(first, together[0], last),
        _mm512_mask_permutexvar_epi16(_mm512_permutex2var_epi16(first, together[1], second), shuffles32.is_third, third, last),
        _mm512_permutex2var_epi16(second, together[2], last)};
    auto* target = reinterpret_cast<__m512i*>(out + 3 * x);
    for (int part = 0; part < 3; ++part) {
      if (aligned) {
        _mm512_stream_si512(target + part, made[part]);
      } else {
        _mm512_storeu_si512(target + part, made[part]);
      }
    }
  }
  return x;
}

// Whether all sums of a 3 x 4 matrix and pixels up to white stay far below 2**31.
inline bool has_small_sums(const float* m, float white) {
  for (int c = 0; c < 3; ++c) {
    const float* row = m + 4 * c;
    if (!(white * (std::fabs(row[0]) + std::fabs(row[1]) + std::fabs(row[2])) + std::fabs(row[3]) < 1e9F)) return false;
  }
  return true;
}

inline std::int64_t narrow1(const float* in, std::int64_t n, std::uint16_t* out) {
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), narrow8(_mm256_loadu_ps(in + x)));
  return x;
}

inline std::int64_t narrow1(const float* in, std::int64_t n, std::uint8_t* out) {
  std::int64_t x = 0;
  for (; x + 16 <= n; x += 16) 
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), narrow16(_mm256_loadu_ps(in + x), _mm256_loadu_ps(in + x + 8)));
  return x;
}

#endif

#if defined(COVARY_ENGINE_AVX2)

// Pixels of many bytes, eight pixels and eight channels at a time: rows of a square of bytes become its columns. Whole
// squares of channels are done, the last fewer are not; returns how many pixels.
inline std::int64_t widen_squares(const std::uint8_t* in, std::int64_t n, std::int64_t channels, Planes out) {
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8)
    for (std::int64_t c = 0; c + 8 <= channels; c += 8) {
      __m128i pairs[4];
      for (int k = 0; k < 4; ++k) {
        const std::uint8_t* from = in + (x + 2 * k) * channels + c;
        pairs[k] = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)),
                                     _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + channels)));
      }
      const __m128i fours[4] = {_mm_unpacklo_epi16(pairs[0], pairs[1]), _mm_unpackhi_epi16(pairs[0], pairs[1]),
                                _mm_unpacklo_epi16(pairs[2], pairs[3]), _mm_unpackhi_epi16(pairs[2], pairs[3])};
      for (int half = 0; half < 2; ++half) {
        const __m128i two[2] = {_mm_unpacklo_epi32(fours[half], fours[half + 2]), _mm_unpackhi_epi32(fours[half], fours[half + 2])};
        for (int k = 0; k < 2; ++k) {
          float* plane = out[c + 4 * half + 2 * k] + x;
          _mm256_storeu_ps(plane, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(two[k])));
          _mm256_storeu_ps(plane + out.stride, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(two[k], 8))));
        }
      }
    }
  return x;
}

// And back.
inline std::int64_t narrow_squares(Planes in, std::int64_t n, std::int64_t channels, std::uint8_t* out) {
  const __m256 zero = _mm256_setzero_ps(), white = _mm256_set1_ps(255.0F);
  const __m256i by_pixel = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  std::int64_t x = 0;
  for (; x + 8 <= n; x += 8)
    for (std::int64_t c = 0; c + 8 <= channels; c += 8) {
      const auto load = [&](std::int64_t at) {
        return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(in[at] + x), zero), white));
      };
      const auto four = [&](std::int64_t at) {
        return _mm256_shuffle_epi8(_mm256_packus_epi16(_mm256_packs_epi32(load(at), load(at + 1)),
                                                       _mm256_packs_epi32(load(at + 2), load(at + 3))), by_pixel);
      };
      const __m256i first = four(c), second = four(c + 4);
      const __m256i pixels[2] = {_mm256_unpacklo_epi32(first, second), _mm256_unpackhi_epi32(first, second)};
      for (int k = 0; k < 2; ++k) {
        std::uint8_t* to = out + (x + 2 * k) * channels + c;
        const __m128i low = _mm256_castsi256_si128(pixels[k]), high = _mm256_extracti128_si256(pixels[k], 1);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), low);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + channels), _mm_unpackhi_epi64(low, low));  // claims no alignment
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + 4 * channels), high);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + 5 * channels), _mm_unpackhi_epi64(high, high));
      }
    }
  return x;
}

#endif

template <class T>
void widen_row(const T* COVARY_RESTRICT in, std::int64_t n, std::int64_t channels, Planes out) {
  std::int64_t start = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (!std::is_same_v<T, float>)
    if (channels == 3) start = widen3(in, n, out);
#endif
  if (channels == 1) {
    float* COVARY_RESTRICT plane = out[0];
    for (std::int64_t x = 0; x < n; ++x) plane[x] = static_cast<float>(in[x]);
    return;
  }
  // Values are picked first and converted then: the one by one, the other many at a time.
  const auto pick = [&](std::int64_t first, std::int64_t end, std::int64_t from_x) {
    T picked[chunk];
    for (std::int64_t x0 = from_x; x0 < n; x0 += chunk) {
      const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
      for (std::int64_t c = first; c < end; ++c) {
        const T* COVARY_RESTRICT from = in + x0 * channels + c;
        float* COVARY_RESTRICT plane = out[c] + x0;
        for (int x = 0; x < count; ++x) picked[x] = from[x * channels];
        for (int x = 0; x < count; ++x) plane[x] = static_cast<float>(picked[x]);
      }
    }
  };
  std::int64_t squares = 0;  // channels of which the first pixels are done
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (channels >= 8) {
      squares = channels / 8 * 8;
      pick(0, squares, widen_squares(in, n, channels, out));
    }
#endif
  pick(squares, channels, start);
}

// A run of values without regard to pixels.
template <class T>
void narrow_run(const float* COVARY_RESTRICT in, std::int64_t n, T* COVARY_RESTRICT out) {
  std::int64_t x = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (!std::is_same_v<T, float>) x = narrow1(in, n, out);
#endif
  if constexpr (std::is_same_v<T, float>) {
    if (in != out) std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(float));
  } else {
    for (; x < n; ++x) out[x] = narrow<T>(in[x]);
  }
}

// Writes a picture's bytes from first to last. A streamed one goes past the caches, a whole line of memory at a time: what a
// run leaves of a line waits for the next run, as single stores into a line that is on its way cost a trip to memory each.
class Writer {
 public:
  explicit Writer(const Picture& out) : at_(out.data), begin_(out.data), streamed_(out.streamed) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { finish(); }

  // The bytes that lie `ahead` bytes behind those that are read are asked of the memory early; 0 asks for none.
  void write(const std::uint8_t* in, std::int64_t n, std::int64_t ahead = 0) {
    (void)ahead;
#if defined(COVARY_ENGINE_AVX2)
    if (streamed_) return write_lines(in, n, ahead);
#endif
    std::memcpy(at_, in, static_cast<std::size_t>(n));
    at_ += n;
  }

  bool streamed() const { return streamed_; }
  // Whether rows of so many bytes share no line of memory, so that they may be written in any order.
  bool whole_lines(std::int64_t row) const { return row % line_size == 0 && in_line(begin_) == 0; }
  void go_to(std::uint8_t* row) { at_ = row; }
  std::uint8_t* at() const { return at_; }
  // Of a picture that is not streamed: `n` bytes have been written where `at` says.
  void skip(std::int64_t n) { at_ += n; }

  void finish() {
#if defined(COVARY_ENGINE_AVX2)
    const std::int64_t filled = streamed_ ? in_line(at_) : 0;
    if (filled == 0) return;
    std::uint8_t* const first = std::max(at_ - filled, begin_);
    std::memcpy(first, line_ + (filled - (at_ - first)), static_cast<std::size_t>(at_ - first));
    streamed_ = false;
#endif
  }

 private:
  static constexpr std::int64_t line_size = 64;
  static std::int64_t in_line(const std::uint8_t* p) {
    return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p) % line_size);
  }

#if defined(COVARY_ENGINE_AVX2)
  static void stream_line(const std::uint8_t* in, std::uint8_t* out) {
    for (int half = 0; half < 2; ++half)
      _mm256_stream_si256(reinterpret_cast<__m256i*>(out + 32 * half),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + 32 * half)));
  }

  void write_lines(const std::uint8_t* in, std::int64_t n, std::int64_t ahead) {
    const std::int64_t filled = in_line(at_);
    if (filled > 0) {
      const std::int64_t taken = std::min(n, line_size - filled);
      std::memcpy(line_ + filled, in, static_cast<std::size_t>(taken));
      at_ += taken;
      in += taken;
      n -= taken;
      if (filled + taken < line_size) return;
      std::uint8_t* const start = at_ - line_size;
      if (start >= begin_) {
        stream_line(line_, start);
      } else {
        std::memcpy(begin_, line_ + (begin_ - start), static_cast<std::size_t>(at_ - begin_));
      }
    }
    for (; n >= line_size; n -= line_size, in += line_size, at_ += line_size) {
      if (ahead != 0) prefetch(in, ahead);
      stream_line(in, at_);
    }
    std::memcpy(line_, in, static_cast<std::size_t>(n));
    at_ += n;
  }

  alignas(64) std::uint8_t line_[line_size];
#endif
  std::uint8_t* at_;
  std::uint8_t* const begin_;
  bool streamed_;
};

// One plane of a finished float row: gain * v + offset.
inline void store_plane(const float* COVARY_RESTRICT in, std::int64_t n, float gain, float offset, bool streamed,
                        float* COVARY_RESTRICT out) {
  std::int64_t x = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (streamed && reinterpret_cast<std::uintptr_t>(out) % 32 == 0) {
    const __m256 times = _mm256_set1_ps(gain), plus = _mm256_set1_ps(offset);
    for (; x + lanes <= n; x += lanes)
      _mm256_stream_ps(out + x, _mm256_add_ps(_mm256_mul_ps(times, _mm256_loadu_ps(in + x)), plus));
  }
#endif
  (void)streamed;
  for (; x < n; ++x) out[x] = gain * in[x] + offset;
}

// One plane of a finished float row of three channels: a mixture of all three, as colour_row has it.
inline void store_mixture(Planes row, std::int64_t n, const float m[4], bool streamed, float* COVARY_RESTRICT out) {
  const float *r = row[0], *g = row[1], *b = row[2];
  std::int64_t x = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (streamed && reinterpret_cast<std::uintptr_t>(out) % 32 == 0) {
    const __m256 of_r = _mm256_set1_ps(m[0]), of_g = _mm256_set1_ps(m[1]), of_b = _mm256_set1_ps(m[2]), plus = _mm256_set1_ps(m[3]);
    for (; x + lanes <= n; x += lanes) {
      const __m256 rg = _mm256_add_ps(_mm256_mul_ps(of_r, _mm256_loadu_ps(r + x)), _mm256_mul_ps(of_g, _mm256_loadu_ps(g + x)));
      _mm256_stream_ps(out + x, _mm256_add_ps(_mm256_add_ps(rg, _mm256_mul_ps(of_b, _mm256_loadu_ps(b + x))), plus));
    }
  }
#endif
  (void)streamed;
  for (; x < n; ++x) out[x] = ((m[0] * r[x] + m[1] * g[x]) + m[2] * b[x]) + m[3];
}

template <class T>
void store_row(Planes row, std::int64_t y, const Picture& out) {
  T* data = reinterpret_cast<T*>(out.data);
  const std::int64_t n = out.width;
  const std::int64_t channels = out.channels;
  if (out.planar || channels == 1) {
    for (std::int64_t c = 0; c < channels; ++c) narrow_run(row[c], n, data + (c * out.height + y) * n);
    return;
  }
  T* COVARY_RESTRICT pixels = data + y * n * channels;
  std::int64_t start = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (!std::is_same_v<T, float>)
    if (channels == 3) start = narrow3(n, pixels, [&](int c, std::int64_t x) { return _mm256_loadu_ps(row[c] + x); });
#endif
  if (channels == 3) {
    const float *r = row[0], *g = row[1], *b = row[2];
    for (std::int64_t x = start; x < n; ++x) {
      pixels[3 * x] = narrow<T>(r[x]);
      pixels[3 * x + 1] = narrow<T>(g[x]);
      pixels[3 * x + 2] = narrow<T>(b[x]);
    }
    return;
  }
  const auto put = [&](std::int64_t first, std::int64_t end, std::int64_t from_x) {
    T narrowed[chunk];
    for (std::int64_t x0 = from_x; x0 < n; x0 += chunk) {
      const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
      for (std::int64_t c = first; c < end; ++c) {
        narrow_run(row[c] + x0, count, narrowed);
        T* COVARY_RESTRICT to = pixels + x0 * channels + c;
        for (int x = 0; x < count; ++x) to[x * channels] = narrowed[x];
      }
    }
  };
  std::int64_t squares = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (channels >= 8) {
      squares = channels / 8 * 8;
      put(0, squares, narrow_squares(row, n, channels, pixels));
    }
#endif
  put(squares, channels, start);
}

// The same for rows from first to last; `staging` is room for a row.
template <class T>
void write_row(Planes row, const Picture& out, std::uint8_t* staging, Writer& writer) {
  Picture one = out;
  one.height = 1;
  one.data = writer.streamed() ? staging : writer.at();
  store_row<T>(row, 0, one);
  if (writer.streamed()) {
    writer.write(staging, out.row_size());
  } else {
    writer.skip(out.row_size());
  }
}

}  // namespace covary::COVARY_ENGINE
