// Numbers for noise: 64 16-bit numbers of one row, one channel, one group of 64 pixels, from 8 Philox blocks.
// Number r is the low half of word r of the 32 words (r < 32), then the high half.
namespace covary::COVARY_ENGINE {

enum NoiseTag : std::uint32_t { tag_gaussian = 1, tag_impulses = 2, tag_erase = 3 };

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

// z[r] = the normal value of number r of a group.
inline void normals(const NoiseRow& row, std::int64_t group, const float* table, float* COVARY_RESTRICT z) {
#if defined(COVARY_ENGINE_AVX2)
  alignas(32) std::uint32_t words[32];
  noise_words(row, static_cast<std::uint32_t>(group), words);
  const __m256i place = _mm256_set1_epi32(0xfff);
  const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000U));
  for (int r = 0; r < 32; r += lanes) {
    const __m256i both = _mm256_load_si256(reinterpret_cast<const __m256i*>(words + r));
    const __m256 low = _mm256_i32gather_ps(table, _mm256_and_si256(_mm256_srli_epi32(both, 3), place), 4);
    const __m256 high = _mm256_i32gather_ps(table, _mm256_and_si256(_mm256_srli_epi32(both, 19), place), 4);
    const __m256i low_sign = _mm256_and_si256(_mm256_slli_epi32(both, 16), sign);
    _mm256_storeu_ps(z + r, _mm256_xor_ps(low, _mm256_castsi256_ps(low_sign)));
    _mm256_storeu_ps(z + 32 + r, _mm256_xor_ps(high, _mm256_castsi256_ps(_mm256_and_si256(both, sign))));
  }
#else
  alignas(32) std::int32_t q[chunk];
  noise_numbers(row, group, q);
  for (int r = 0; r < chunk; ++r) {
    const float size = table[(q[r] & 0x7fff) >> 3];
    z[r] = (q[r] & 0x8000) != 0 ? -size : size;
  }
#endif
}

// out[x] = mean + scale * z(x), x in 0 .. n.
inline void gaussian_row(const NoiseRow& row, const float* table, float mean, float scale, std::int64_t n, float* out) {
  alignas(32) float z[chunk];
  for (std::int64_t x = 0; x < n; x += chunk) {
    normals(row, x / chunk, table, z);
    const int count = n - x < chunk ? static_cast<int>(n - x) : chunk;
    for (int r = 0; r < count; ++r) out[x + r] = mean + scale * z[r];
  }
}

}  // namespace covary::COVARY_ENGINE
