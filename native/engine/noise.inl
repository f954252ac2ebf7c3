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

// What becomes of a value that was made: it is put where it belongs, or added to what stands there.
struct Put {
  static void one(float value, float* to) { *to = value; }
#if defined(COVARY_ENGINE_AVX2)
  static COVARY_INLINE void eight(__m256 values, float* to) { _mm256_storeu_ps(to, values); }
#endif
};

struct Add {
  static void one(float value, float* to) { *to += value; }
#if defined(COVARY_ENGINE_AVX2)
  static COVARY_INLINE void eight(__m256 values, float* to) { _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), values)); }
#endif
};

template <class To>
inline void values_of(const float* values, std::int64_t n, float* to) {
  for (std::int64_t x = 0; x < n; ++x) To::one(values[x], to + x);
}

// Coefficients of the normal quantile times a deviation, so that the values need not be multiplied.
inline const float* scaled_quantile(const float* table, float deviation, Scratch& scratch) {
  auto* scaled = static_cast<float*>(scratch.piece(48 * sizeof(float)));
  for (int k = 0; k < 48; ++k) scaled[k] = table[k] * deviation;
  return scaled;
}

// The normal quantile: a parabola in each octave of v, the share (of 65,536, odd) that lies further out. The octave is the
// float's own exponent, whose four low bits choose the parabola; its mantissa, 1 to 2, is the place within.
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
    const __m256 t = _mm256_castsi256_ps(_mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), one));
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

// One row, a group of 64 at a time.
template <class To>
void gaussian_groups(const NoiseRow& row, const float* table, float mean, std::int64_t n, float* out) {
  alignas(32) float z[chunk];
  const Quantile quantile(table);
  for (std::int64_t x = 0; x < n; x += chunk) {
    normals(row, x / chunk, quantile, z);
    for (int r = 0; r < chunk; ++r) z[r] = mean + z[r];
    values_of<To>(z, std::min<std::int64_t>(n - x, chunk), out + x);
  }
}

#if defined(COVARY_ENGINE_AVX2)

// The same numbers by registers of sixteen, where the processor has them: two groups of 64 at a time.

// Philox by lanes of 64 bits, whose low halves count: what the products leave in the high ones is never looked at. Only the
// first of four counters differs within a row, so half of the first two rounds is the same for all its numbers.
struct PhiloxRow {
  std::uint32_t first_2, second_0, second_2, third_2;  // what is xored in the first three rounds besides the products
  std::uint32_t key_0[10], key_1[10];

  explicit PhiloxRow(const NoiseRow& row) {
    const auto low = [](std::uint64_t product) { return static_cast<std::uint32_t>(product); };
    const auto high = [](std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); };
    for (std::uint32_t round = 0; round < 10; ++round) {
      key_0[round] = low(row.stream) + round * philox_weyl_0;
      key_1[round] = high(row.stream) + round * philox_weyl_1;
    }
    const std::uint64_t by_channel = std::uint64_t{philox_multiplier_1} * row.channel;
    const std::uint64_t next = std::uint64_t{philox_multiplier_0} * (high(by_channel) ^ row.y ^ key_0[0]);
    first_2 = row.tag ^ key_1[0];
    second_0 = low(by_channel) ^ key_0[1];
    second_2 = high(next) ^ key_1[1];
    third_2 = low(next) ^ key_1[2];
  }
};

COVARY_AVX512 inline __m512i all512(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }

// Sixteen counters on their way through the rounds, the even ones and the odd ones; then they are words of two groups.
struct Philox512 {
  __m512i even[4], odd[4];

  // The first two rounds.
  COVARY_AVX512 COVARY_INLINE void begin(const PhiloxRow& row, std::int64_t block) {
    const __m512i counters = _mm512_add_epi32(_mm512_set1_epi64(block), _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14));
    begin(row, counters, even);
    begin(row, _mm512_add_epi32(counters, all512(1)), odd);
  }

  // Rounds 2 to 9.
  COVARY_AVX512 COVARY_INLINE void pass(const PhiloxRow& row, int round) {
    pass(row, round, even);
    pass(row, round, odd);
  }

  COVARY_AVX512 COVARY_INLINE __m512i word(int which) const {
    return _mm512_mask_shuffle_epi32(even[which], 0xAAAA, odd[which], _MM_PERM_CCAA);
  }

 private:
  COVARY_AVX512 COVARY_INLINE static void begin(const PhiloxRow& row, __m512i counters, __m512i c[4]) {
    const __m512i first = _mm512_mul_epu32(counters, all512(philox_multiplier_0));
    const __m512i in = _mm512_xor_si512(_mm512_srli_epi64(first, 32), all512(row.first_2));
    const __m512i second = _mm512_mul_epu32(in, all512(philox_multiplier_1));
    c[0] = _mm512_xor_si512(_mm512_srli_epi64(second, 32), all512(row.second_0));
    c[1] = second;
    c[2] = _mm512_xor_si512(first, all512(row.second_2));
    c[3] = _mm512_setzero_si512();  // part of third_2
  }

  COVARY_AVX512 COVARY_INLINE static void pass(const PhiloxRow& row, int round, __m512i c[4]) {
    const __m512i p0 = _mm512_mul_epu32(c[0], all512(philox_multiplier_0)), p1 = _mm512_mul_epu32(c[2], all512(philox_multiplier_1));
    const std::uint32_t key_1 = round == 2 ? row.third_2 : row.key_1[round];
    c[0] = _mm512_ternarylogic_epi32(_mm512_srli_epi64(p1, 32), c[1], all512(row.key_0[round]), 0x96);  // a ^ b ^ c
    c[1] = p1;
    c[2] = _mm512_ternarylogic_epi32(_mm512_srli_epi64(p0, 32), c[3], all512(key_1), 0x96);
    c[3] = p0;
  }
};

COVARY_AVX512 COVARY_INLINE __m512 quantile512(const __m512 table[3], __m512i v, __m512i word_sign) {
  const __m512i bits = _mm512_castps_si512(_mm512_cvtepi32_ps(v));
  const __m512i octave = _mm512_srli_epi32(bits, 23);  // the permutation reads its four low bits
  const __m512 t = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bits, all512(0x7fffff), all512(0x3f800000), 0xEA));  // (a & b) | c
  const __m512 slope = _mm512_add_ps(_mm512_mul_ps(_mm512_permutexvar_ps(octave, table[0]), t), _mm512_permutexvar_ps(octave, table[1]));
  const __m512 z = _mm512_add_ps(_mm512_mul_ps(slope, t), _mm512_permutexvar_ps(octave, table[2]));
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(z), word_sign, all512(0x80000000U), 0x78));  // a ^ (b & c)
}

// Rows of several channels, pair of groups after pair. While one pair becomes values, the next goes through the rounds: each
// waits for its own results most of the time.
template <class To>
COVARY_AVX512 void gaussian_planes512(NoiseRow row, std::int64_t channels, const float* table, float mean, std::int64_t n, Planes out) {
  __m512 turned[3];
  const __m512i turn = _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0);
  for (int k = 0; k < 3; ++k) turned[k] = _mm512_permutexvar_ps(turn, _mm512_loadu_ps(table + 16 * k));
  const __m512 plus = _mm512_set1_ps(mean);
  PhiloxRow philox(row);
  Philox512 making;
  making.begin(philox, 0);
  for (int round = 2; round < 10; ++round) making.pass(philox, round);
  std::int64_t x = 0, next_x = 0;
  for (std::int64_t c = 0; c < channels; x = next_x) {
    const __m512i words[4] = {making.word(0), making.word(1), making.word(2), making.word(3)};
    float* const to = out[c] + x;
    next_x = x + 2 * chunk;
    if (next_x >= n) {
      next_x = 0;
      ++row.channel;
      philox = PhiloxRow(row);
      ++c;
    }
    const bool more = c < channels;
    if (more) making.begin(philox, next_x / 8);
    for (int word = 0; word < 4; ++word) {
      if (more) {
        making.pass(philox, 2 + 2 * word);
        making.pass(philox, 3 + 2 * word);
      }
      // The lower half of a register belongs to the first group, the upper half to the second.
      const __m512i both = words[word];
      const __m512i low = _mm512_ternarylogic_epi32(_mm512_add_epi32(both, both), all512(0xfffe), all512(1), 0xEA);
      const __m512i high = _mm512_ternarylogic_epi32(_mm512_srli_epi32(both, 15), all512(0xfffe), all512(1), 0xEA);
      const __m512 a = _mm512_add_ps(plus, quantile512(turned, low, _mm512_slli_epi32(both, 16)));
      const __m512 b = _mm512_add_ps(plus, quantile512(turned, high, both));
      To::eight(_mm512_castps512_ps256(a), to + 8 * word);
      To::eight(_mm512_extractf32x8_ps(a, 1), to + chunk + 8 * word);
      To::eight(_mm512_castps512_ps256(b), to + 32 + 8 * word);
      To::eight(_mm512_extractf32x8_ps(b, 1), to + chunk + 32 + 8 * word);
    }
  }
}

#endif

// One row of each channel: the values mean + z(x), x in 0 .. n, of a quantile's coefficients, put into `out` or added to it.
// `row` is of the first channel. What lies behind a row's end, up to the next multiple of 128, must be there to be spoilt.
template <class To>
void gaussian_planes(NoiseRow row, std::int64_t channels, const float* quantile, float mean, std::int64_t n, Planes out) {
#if defined(COVARY_ENGINE_AVX2)
  if (has_avx512()) return gaussian_planes512<To>(row, channels, quantile, mean, n, out);
#endif
  for (std::int64_t c = 0; c < channels; ++c, ++row.channel) gaussian_groups<To>(row, quantile, mean, n, out[c]);
}

template <class To>
void gaussian_row(const NoiseRow& row, const float* quantile, float mean, std::int64_t n, float* out) {
  gaussian_planes<To>(row, 1, quantile, mean, n, {out, 0});
}

}  // namespace covary::COVARY_ENGINE
