// Pixels of three values through a 3 x 4 matrix, in registers: ((a r + b g) + c b) + d, rounded and clipped.
namespace covary::COVARY_ENGINE {

#if defined(COVARY_ENGINE_AVX2)

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
  const bool lines = streamed && at_line(out);
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
    for (int part = 0; part < 3; ++part) store_64(target + part, made[part], lines);
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
  const bool lines = streamed && at_line(out);
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
    for (int part = 0; part < 3; ++part) store_64(target + part, made[part], lines);
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

#endif

}  // namespace covary::COVARY_ENGINE
