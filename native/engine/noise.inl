// Numbers for noise: 64 16-bit numbers of one row, one channel, one group of 64 pixels, from 8 Philox blocks.
// Number r is the low half of word r of the 32 words (r < 32), then the high half.
namespace covary::COVARY_ENGINE {

enum NoiseTag : std::uint32_t { tag_gaussian = 1, tag_impulses = 2, tag_erase = 3, tag_quadrature = 4 };

struct NoiseRow {
  std::uint64_t stream;
  std::uint32_t y;
  std::uint32_t channel;
  std::uint32_t tag;
};

#if defined(COVARY_ENGINE_AVX2)

// The high and the low halves of eight 32-bit products.
COVARY_INLINE void wide_product(__m256i a, __m256i multiplier, __m256i& high, __m256i& low) {
  const __m256i even = _mm256_mul_epu32(a, multiplier);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), multiplier);
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

COVARY_INLINE void noise_words(const NoiseRow& row, std::uint32_t group, std::uint32_t* words) {
  const __m256i m0 = _mm256_set1_epi32(static_cast<int>(philox_multiplier_0));
  const __m256i m1 = _mm256_set1_epi32(static_cast<int>(philox_multiplier_1));
  __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(8 * group)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  __m256i c1 = _mm256_set1_epi32(static_cast<int>(row.y));
  __m256i c2 = _mm256_set1_epi32(static_cast<int>(row.channel));
  __m256i c3 = _mm256_set1_epi32(static_cast<int>(row.tag));
  __m256i k0 = _mm256_set1_epi32(static_cast<int>(static_cast<std::uint32_t>(row.stream)));
  __m256i k1 = _mm256_set1_epi32(static_cast<int>(static_cast<std::uint32_t>(row.stream >> 32)));
  for (int round = 0; round < 10; ++round) {
    __m256i high0, low0, high1, low1;
    wide_product(c0, m0, high0, low0);
    wide_product(c2, m1, high1, low1);
    c0 = _mm256_xor_si256(_mm256_xor_si256(high1, c1), k0);
    c1 = low1;
    c2 = _mm256_xor_si256(_mm256_xor_si256(high0, c3), k1);
    c3 = low0;
    k0 = _mm256_add_epi32(k0, _mm256_set1_epi32(static_cast<int>(philox_weyl_0)));
    k1 = _mm256_add_epi32(k1, _mm256_set1_epi32(static_cast<int>(philox_weyl_1)));
  }
  auto* out = reinterpret_cast<__m256i*>(words);
  _mm256_storeu_si256(out, c0);
  _mm256_storeu_si256(out + 1, c1);
  _mm256_storeu_si256(out + 2, c2);
  _mm256_storeu_si256(out + 3, c3);
}

#else

COVARY_INLINE void noise_words(const NoiseRow& row, std::uint32_t group, std::uint32_t* words) {
  for (std::uint32_t lane = 0; lane < 8; ++lane) {
    std::uint32_t counter[4] = {8 * group + lane, row.y, row.channel, row.tag};
    philox(counter, static_cast<std::uint32_t>(row.stream), static_cast<std::uint32_t>(row.stream >> 32));
    for (int word = 0; word < 4; ++word) words[8 * word + static_cast<int>(lane)] = counter[word];
  }
}

#endif

inline void noise_numbers(const NoiseRow& row, std::int64_t group, std::int32_t* COVARY_RESTRICT numbers) {
  alignas(32) std::uint32_t words[32];
  noise_words(row, static_cast<std::uint32_t>(group), words);
  for (int r = 0; r < 32; ++r) {
    numbers[r] = static_cast<std::int32_t>(words[r] & 0xffffU);
    numbers[32 + r] = static_cast<std::int32_t>(words[r] >> 16);
  }
}

// The normal quantile: a parabola in each octave of v, the share (of 65,536, odd) that lies further out. The octave is the
// float's own exponent, whose four low bits choose the parabola.
struct Quantile {
#if defined(COVARY_ENGINE_AVX2)
  __m256 low[3], high[3];  // coefficients of the exponents 0 .. 7 and 8 .. 15 (modulo 16)

  explicit Quantile(const float* table) {
    alignas(32) float turned[16];
    for (int k = 0; k < 3; ++k) {
      for (int j = 0; j < 16; ++j) turned[j] = table[16 * k + ((j + 1) & 15)];
      low[k] = _mm256_load_ps(turned);
      high[k] = _mm256_load_ps(turned + 8);
    }
  }

  COVARY_INLINE __m256 coefficient(int k, __m256i octave, __m256 upper) const {
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low[k], octave), _mm256_permutevar8x32_ps(high[k], octave), upper);
  }

  COVARY_INLINE __m256 operator()(__m256i v, __m256i sign) const {
    const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(v));
    const __m256i octave = _mm256_srli_epi32(bits, 23);
    const __m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(bits, 5));
    const __m256i one = _mm256_set1_epi32(0x3f800000);
    const __m256i mantissa = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), one);
    const __m256 t = _mm256_sub_ps(_mm256_castsi256_ps(mantissa), _mm256_castsi256_ps(one));
    const __m256 slope = _mm256_add_ps(_mm256_mul_ps(coefficient(0, octave, upper), t), coefficient(1, octave, upper));
    const __m256 z = _mm256_add_ps(_mm256_mul_ps(slope, t), coefficient(2, octave, upper));
    return _mm256_xor_ps(z, _mm256_castsi256_ps(sign));
  }
#else
  const float* table;
  explicit Quantile(const float* coefficients) : table(coefficients) {}

  float operator()(std::int32_t q) const {
    const auto v = static_cast<float>(2 * (q & 0x7fff) + 1);
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    const std::uint32_t octave = (bits >> 23) - 127;
    bits = (bits & 0x7fffffU) | 0x3f800000U;
    float t;
    std::memcpy(&t, &bits, sizeof t);
    t -= 1.0F;
    const float z = (table[octave] * t + table[16 + octave]) * t + table[32 + octave];
    return (q & 0x8000) != 0 ? -z : z;
  }
#endif
};

// z[r] = the normal value of number r of a group.
inline void normals(const NoiseRow& row, std::int64_t group, const Quantile& quantile, float* COVARY_RESTRICT z) {
#if defined(COVARY_ENGINE_AVX2)
  alignas(32) std::uint32_t words[32];
  noise_words(row, static_cast<std::uint32_t>(group), words);
  const __m256i even = _mm256_set1_epi32(0xfffe);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000U));
  for (int r = 0; r < 32; r += lanes) {
    const __m256i both = _mm256_load_si256(reinterpret_cast<const __m256i*>(words + r));
    const __m256i low = _mm256_or_si256(_mm256_and_si256(_mm256_add_epi32(both, both), even), one);
    const __m256i high = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(both, 15), even), one);
    _mm256_storeu_ps(z + r, quantile(low, _mm256_and_si256(_mm256_slli_epi32(both, 16), sign)));
    _mm256_storeu_ps(z + 32 + r, quantile(high, _mm256_and_si256(both, sign)));
  }
#else
  alignas(32) std::int32_t q[chunk];
  noise_numbers(row, group, q);
  for (int r = 0; r < chunk; ++r) z[r] = quantile(q[r]);
#endif
}

// out[x] = mean + scale * z(x), x in from .. n; `from` is a multiple of 64.
inline void gaussian_groups(const NoiseRow& row, const float* table, float mean, float scale, std::int64_t from, std::int64_t n,
                            float* out) {
  alignas(32) float z[chunk];
  const Quantile quantile(table);
  for (std::int64_t x = from; x < n; x += chunk) {
    normals(row, x / chunk, quantile, z);
    const int count = n - x < chunk ? static_cast<int>(n - x) : chunk;
    for (int r = 0; r < count; ++r) out[x + r] = mean + scale * z[r];
  }
}

#if defined(COVARY_ENGINE_AVX2)

// The same numbers by registers of sixteen, where the processor has them: two groups of 64 at a time.

COVARY_AVX512 inline void wide_product512(__m512i a, __m512i multiplier, __m512i& high, __m512i& low) {
  const __m512i even = _mm512_mul_epu32(a, multiplier);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), multiplier);
  low = _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, _MM_PERM_CCAA);
  high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

COVARY_AVX512 inline __m512 quantile512(const __m512 table[3], __m512i v, __m512i word_sign) {
  const __m512i bits = _mm512_castps_si512(_mm512_cvtepi32_ps(v));
  const __m512i octave = _mm512_srli_epi32(bits, 23);  // the permutation reads its four low bits
  const __m512i one = _mm512_set1_epi32(0x3f800000);
  const __m512i mantissa = _mm512_ternarylogic_epi32(bits, _mm512_set1_epi32(0x7fffff), one, 0xEA);  // (a & b) | c
  const __m512 t = _mm512_sub_ps(_mm512_castsi512_ps(mantissa), _mm512_castsi512_ps(one));
  const __m512 slope = _mm512_add_ps(_mm512_mul_ps(_mm512_permutexvar_ps(octave, table[0]), t), _mm512_permutexvar_ps(octave, table[1]));
  const __m512 z = _mm512_add_ps(_mm512_mul_ps(slope, t), _mm512_permutexvar_ps(octave, table[2]));
  const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80000000U));
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(z), word_sign, sign, 0x78));  // a ^ (b & c)
}

// Whole pairs of groups; returns how many values were made.
COVARY_AVX512 inline std::int64_t gaussian_pairs512(const NoiseRow& row, const float* table, float mean, float scale,
                                                    std::int64_t n, float* out) {
  __m512 turned[3];
  const __m512i turn = _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0);
  for (int k = 0; k < 3; ++k) turned[k] = _mm512_permutexvar_ps(turn, _mm512_loadu_ps(table + 16 * k));
  const __m512i m0 = _mm512_set1_epi32(static_cast<int>(philox_multiplier_0));
  const __m512i m1 = _mm512_set1_epi32(static_cast<int>(philox_multiplier_1));
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512 times = _mm512_set1_ps(scale), plus = _mm512_set1_ps(mean);
  const __m512i even = _mm512_set1_epi32(0xfffe), one = _mm512_set1_epi32(1);
  std::int64_t x = 0;
  for (; x + chunk < n; x += 2 * chunk) {
    __m512i c[4] = {_mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(x / 8)), lane), _mm512_set1_epi32(static_cast<int>(row.y)),
                    _mm512_set1_epi32(static_cast<int>(row.channel)), _mm512_set1_epi32(static_cast<int>(row.tag))};
    auto k0 = static_cast<std::uint32_t>(row.stream);
    auto k1 = static_cast<std::uint32_t>(row.stream >> 32);
    for (int round = 0; round < 10; ++round) {
      __m512i high0, low0, high1, low1;
      wide_product512(c[0], m0, high0, low0);
      wide_product512(c[2], m1, high1, low1);
      c[0] = _mm512_ternarylogic_epi32(high1, c[1], _mm512_set1_epi32(static_cast<int>(k0)), 0x96);  // a ^ b ^ c
      c[1] = low1;
      c[2] = _mm512_ternarylogic_epi32(high0, c[3], _mm512_set1_epi32(static_cast<int>(k1)), 0x96);
      c[3] = low0;
      k0 += philox_weyl_0;
      k1 += philox_weyl_1;
    }
    // The lower half of a register belongs to the first group, the upper half to the second.
    alignas(64) float rest[2 * chunk];
    const bool whole = x + 2 * chunk <= n;
    float* to = whole ? out + x : rest;
    for (int word = 0; word < 4; ++word) {
      const __m512i both = c[word];
      const __m512i low = _mm512_ternarylogic_epi32(_mm512_add_epi32(both, both), even, one, 0xEA);
      const __m512i high = _mm512_ternarylogic_epi32(_mm512_srli_epi32(both, 15), even, one, 0xEA);
      const __m512 a = _mm512_add_ps(plus, _mm512_mul_ps(times, quantile512(turned, low, _mm512_slli_epi32(both, 16))));
      const __m512 b = _mm512_add_ps(plus, _mm512_mul_ps(times, quantile512(turned, high, both)));
      _mm256_storeu_ps(to + 8 * word, _mm512_castps512_ps256(a));
      _mm256_storeu_ps(to + chunk + 8 * word, _mm512_extractf32x8_ps(a, 1));
      _mm256_storeu_ps(to + 32 + 8 * word, _mm512_castps512_ps256(b));
      _mm256_storeu_ps(to + chunk + 32 + 8 * word, _mm512_extractf32x8_ps(b, 1));
    }
    if (!whole) std::memcpy(out + x, rest, sizeof(float) * static_cast<std::size_t>(n - x));
  }
  return std::min(x, n);
}

#endif

// out[x] = mean + scale * z(x), x in 0 .. n.
inline void gaussian_row(const NoiseRow& row, const float* table, float mean, float scale, std::int64_t n, float* out) {
#if defined(COVARY_ENGINE_AVX2)
  if (has_avx512()) {
    const std::int64_t done = gaussian_pairs512(row, table, mean, scale, n, out);
    if (done == n) return;
    gaussian_groups(row, table, mean, scale, done, n, out);
    return;
  }
#endif
  gaussian_groups(row, table, mean, scale, 0, n, out);
}

}  // namespace covary::COVARY_ENGINE
