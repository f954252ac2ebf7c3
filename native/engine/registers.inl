// Values in registers: loaded, rounded and clipped, and pixels of three values taken apart and put together.
namespace covary::COVARY_ENGINE {

#if defined(COVARY_ENGINE_AVX2)

// Ask for the line that holds base[offset]; the place may lie outside the picture, as nothing is read.
COVARY_INLINE void prefetch(const void* base, std::int64_t offset) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::intptr_t>(base) + offset), _MM_HINT_T0);
}

COVARY_INLINE __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

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

COVARY_INLINE __m128i merge3(const std::uint8_t masks[3][3][16], int which, bool by_channel, __m128i a, __m128i b, __m128i c) {
  const auto mask = [&](int i) { return load_128(by_channel ? masks[i][which] : masks[which][i]); };
  return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, mask(0)), _mm_shuffle_epi8(b, mask(1))),
                      _mm_shuffle_epi8(c, mask(2)));
}

// 64 bytes; streamed past the caches only where they are a whole line of memory.
COVARY_AVX512 inline void store_64(void* to, __m512i bytes, bool streamed) {
  if (streamed) {
    _mm512_stream_si512(static_cast<__m512i*>(to), bytes);
  } else {
    _mm512_storeu_si512(to, bytes);
  }
}

inline bool at_line(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; }

#endif

}  // namespace covary::COVARY_ENGINE
