// A picture halved along its axes before it is sampled: means of blocks, a last odd pixel standing alone.
namespace covary::COVARY_ENGINE {

inline std::int64_t halved(std::int64_t n, std::int64_t times) {
  for (; times > 0 && n > 1; --times) n = (n + 1) / 2;
  return n;
}

// The weight of each of the `count` (1 .. 2**times) elements of a block.
inline const float* block_weights(std::int64_t count, std::int64_t times, Scratch& scratch) {
  auto* weights = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(count)));
  for (std::int64_t i = 0; i < count; ++i) weights[i] = 1.0F;
  for (std::int64_t step = 1; step <= times && (std::int64_t{1} << (step - 1)) < count; ++step) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t second_half = (2 * (i >> step) + 1) << (step - 1);
      if (second_half < count) weights[i] *= 0.5F;
    }
  }
  return weights;
}

struct Region {
  std::int64_t x0 = 0, x1 = 0, y0 = 0, y1 = 0;
};

#if defined(COVARY_ENGINE_AVX2)

// Sixteen pixels of three bytes, taken apart by channel, added in pairs: eight 16-bit sums.
inline void pair_sums3(const std::uint8_t* in, __m128i sums[3]) {
  const __m128i p = load_128(in);
  const __m128i q = load_128(in + 16);
  const __m128i r = load_128(in + 32);
  for (int c = 0; c < 3; ++c)
    sums[c] = _mm_maddubs_epi16(merge3(shuffles3.apart, c, true, p, q, r), _mm_set1_epi8(1));
}

// Means of pairs of pixels of one row (Rows 1, a == b), or of two.
template <int Rows>
std::int64_t pair_row3(const std::uint8_t* a, const std::uint8_t* b, std::int64_t n, std::uint8_t* out) {
  const __m128i one = _mm_set1_epi16(1);
  std::int64_t x = 0;
  for (; x + 16 <= n; x += 16) {
    __m128i means[2][3];
    for (int half = 0; half < 2; ++half) {
      __m128i sums[3];
      pair_sums3(a + 6 * x + 48 * half, sums);
      if (Rows == 2) {
        __m128i below[3];
        pair_sums3(b + 6 * x + 48 * half, below);
        for (int c = 0; c < 3; ++c) sums[c] = _mm_add_epi16(_mm_add_epi16(sums[c], below[c]), one);
      }
      for (int c = 0; c < 3; ++c) {
        const __m128i odd = _mm_and_si128(_mm_srli_epi16(Rows == 2 ? _mm_sub_epi16(sums[c], one) : sums[c], Rows), one);
        means[half][c] = _mm_srli_epi16(_mm_add_epi16(sums[c], odd), Rows);
      }
    }
    const __m128i r = _mm_packus_epi16(means[0][0], means[1][0]);
    const __m128i g = _mm_packus_epi16(means[0][1], means[1][1]);
    const __m128i d = _mm_packus_epi16(means[0][2], means[1][2]);
    for (int part = 0; part < 3; ++part)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 16 * part), merge3(shuffles3.together, part, false, r, g, d));
  }
  return x;
}

// Sums of four values each, in one register: sixteen of bytes, eight of words.
inline __m256i sums_of_four(const std::uint8_t* a, const std::uint8_t* b, std::int64_t beside) {
  const auto load = [](const std::uint8_t* from) { return _mm256_cvtepu8_epi16(load_128(from)); };
  return _mm256_add_epi16(_mm256_add_epi16(load(a), load(a + beside)), _mm256_add_epi16(load(b), load(b + beside)));
}

inline __m256i sums_of_four(const std::uint16_t* a, const std::uint16_t* b, std::int64_t beside) {
  const auto load = [](const std::uint16_t* from) { return _mm256_cvtepu16_epi32(load_128(from)); };
  return _mm256_add_epi32(_mm256_add_epi32(load(a), load(a + beside)), _mm256_add_epi32(load(b), load(b + beside)));
}

// Their means, ties to even, as one register of 16 bytes.
inline __m128i means_of_four(__m256i sums, std::uint8_t /*of*/) {
  const __m256i one = _mm256_set1_epi16(1);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi16(sums, 2), one);
  const __m256i means = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(sums, one), odd), 2);
  return _mm_packus_epi16(_mm256_castsi256_si128(means), _mm256_extracti128_si256(means, 1));
}

inline __m128i means_of_four(__m256i sums, std::uint16_t /*of*/) {
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(sums, 2), one);
  const __m256i means = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(sums, one), odd), 2);
  return _mm_packus_epi32(_mm256_castsi256_si128(means), _mm256_extracti128_si256(means, 1));
}

// Pairs of pixels of any number of channels, so long as whole registers stay within the rows; returns how many were made.
template <class T>
std::int64_t pair_rows(const T* a, const T* b, std::int64_t n, std::int64_t channels, T* out) {
  constexpr std::int64_t group = 16 / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t reach = (channels + group - 1) / group * group;
  std::int64_t x = 0;
  for (; x * channels + reach <= n * channels && (2 * x + 1) * channels + reach <= 2 * n * channels; ++x)
    for (std::int64_t c = 0; c < channels; c += group) {
      const std::int64_t i = 2 * x * channels + c;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x * channels + c),
                       means_of_four(sums_of_four(a + i, b + i, channels), T{}));
    }
  return x;
}

// Of one to four words: as many pixels as sixteen values hold, from a window of both rows.
COVARY_VBMI inline std::int64_t pairs_in_windows(const std::uint16_t* a, const std::uint16_t* b, std::int64_t n,
                                                 std::int64_t channels, std::uint16_t* out) {
  constexpr std::int64_t window = 32, group = 16;
  const std::int64_t pixels = group / channels;
  alignas(64) std::int32_t places[group];
  for (std::int64_t i = 0; i < group; ++i) {
    const std::int64_t place = 2 * channels * (i / channels) + i % channels;
    places[i] = static_cast<std::int32_t>(std::min(place, window - 1 - channels));  // values that are left over may be any
  }
  const __m512i left = _mm512_load_si512(places);
  const __m512i right = _mm512_add_epi32(left, _mm512_set1_epi32(static_cast<int>(channels)));
  const __m512i one = _mm512_set1_epi32(1);
  const auto pair_sums = [&](const std::uint16_t* row) COVARY_VBMI {
    const __m512i values = _mm512_loadu_si512(row);
    return _mm512_add_epi32(_mm512_maskz_permutexvar_epi16(0x55555555U, left, values),
                            _mm512_maskz_permutexvar_epi16(0x55555555U, right, values));
  };
  std::int64_t x = 0;
  for (; x * channels + group <= n * channels && 2 * x * channels + window <= 2 * n * channels; x += pixels) {
    const __m512i sums = _mm512_add_epi32(pair_sums(a + 2 * x * channels), pair_sums(b + 2 * x * channels));
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(sums, 2), one);
    const __m512i means = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(sums, one), odd), 2);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x * channels), _mm512_cvtepi32_epi16(means));
  }
  return x;
}

#endif

// The exact means of two and of four whole numbers, ties to even.
inline int mean_of_two(int sum) { return (sum + ((sum >> 1) & 1)) >> 1; }
inline int mean_of_four(int sum) { return (sum + 1 + ((sum >> 2) & 1)) >> 2; }

// Values of two rows, one below the other.
template <class T>
void mean_rows(const T* COVARY_RESTRICT a, const T* COVARY_RESTRICT b, std::int64_t n, T* COVARY_RESTRICT out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(mean_of_two(a[i] + b[i]));
}

// `n` pairs of pixels side by side, in one row (a == b) or in two.
template <class T>
void mean_pairs(const T* COVARY_RESTRICT a, const T* COVARY_RESTRICT b, std::int64_t n, std::int64_t channels,
                T* COVARY_RESTRICT out) {
  std::int64_t first = 0;
#if defined(COVARY_ENGINE_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (channels == 3) first = a == b ? pair_row3<1>(a, b, n, out) : pair_row3<2>(a, b, n, out);
    if (channels > 4) first = pair_rows(a, b, n, channels, out);
  } else {
    if (channels <= 4 && has_vbmi())
      first = pairs_in_windows(a, b, n, channels, out);
    else if (channels > 1)
      first = pair_rows(a, b, n, channels, out);
  }
#endif
  // For one row the sum of four is twice that of two, and its mean rounds alike.
  for (std::int64_t x = first; x < n; ++x)
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t i = 2 * x * channels + c;
      out[x * channels + c] = static_cast<T>(mean_of_four(a[i] + a[i + channels] + b[i] + b[i + channels]));
    }
}

// One row of a picture of whole numbers halved at most once along each axis; its pixels from .. to.
template <class T>
void halve_row(const T* a, const T* b, bool pairs, std::int64_t width, std::int64_t from, std::int64_t to,
               std::int64_t channels, T* out) {
  if (!pairs) {
    mean_rows(a + from * channels, b + from * channels, (to - from) * channels, out);
    return;
  }
  const std::int64_t whole = std::min(to, width / 2);  // a last odd pixel stands alone
  if (from < whole) mean_pairs(a + 2 * from * channels, b + 2 * from * channels, whole - from, channels, out);
  if (to > whole) mean_rows(a + (width - 1) * channels, b + (width - 1) * channels, channels, out + (whole - from) * channels);
}

template <class T>
void halve(const Picture& in, std::int64_t times_x, std::int64_t times_y, const Region& region, Picture& out, Scratch& scratch) {
  const std::int64_t channels = in.channels;
  const std::int64_t block_x = times_x < 40 ? std::int64_t{1} << times_x : in.width;
  const std::int64_t block_y = times_y < 40 ? std::int64_t{1} << times_y : in.height;
  const std::int64_t from = region.x0 * block_x;
  const std::int64_t to = std::min(in.width, region.x1 * block_x);
  const std::int64_t run = (to - from) * channels;
  auto* sums = static_cast<float*>(scratch.get(Scratch::level_row, sizeof(float) * static_cast<std::size_t>(run)));
  const float* whole_y = block_weights(std::min(block_y, in.height), times_y, scratch);
  const float* whole_x = block_weights(std::min(block_x, in.width), times_x, scratch);
  const std::int64_t rest_y = in.height - (out.height - 1) * block_y;
  const std::int64_t rest_x = in.width - (out.width - 1) * block_x;
  const float* last_y = block_weights(rest_y, times_y, scratch);
  const float* last_x = block_weights(rest_x, times_x, scratch);
  for (std::int64_t y = region.y0; y < region.y1; ++y) {
    const std::int64_t rows = y == out.height - 1 ? rest_y : block_y;
    const float* weights = y == out.height - 1 ? last_y : whole_y;
    const T* source = reinterpret_cast<const T*>(in.data) + (y * block_y * in.width + from) * channels;
    T* target = reinterpret_cast<T*>(out.data) + (y * out.width + region.x0) * channels;
    if constexpr (!std::is_same_v<T, float>) {
      if (times_x <= 1 && times_y <= 1) {
        const T* line = reinterpret_cast<const T*>(in.data) + y * block_y * in.width * channels;
        const T* below = rows == 2 ? line + in.width * channels : line;
        halve_row(line, below, times_x == 1, in.width, region.x0, region.x1, channels, target);
        continue;
      }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* COVARY_RESTRICT line = source + r * in.width * channels;
      const float weight = weights[r];
      float* COVARY_RESTRICT sum = sums;
      if (r == 0) {
        for (std::int64_t i = 0; i < run; ++i) sum[i] = weight * static_cast<float>(line[i]);
      } else {
        for (std::int64_t i = 0; i < run; ++i) sum[i] += weight * static_cast<float>(line[i]);
      }
    }
    const float* sum = sums;
    for (std::int64_t x = region.x0; x < region.x1; ++x) {
      const std::int64_t columns = x == out.width - 1 ? rest_x : block_x;
      const float* along = x == out.width - 1 ? last_x : whole_x;
      for (std::int64_t c = 0; c < channels; ++c) {
        float mean = 0.0F;
        for (std::int64_t j = 0; j < columns; ++j) mean += along[j] * sum[j * channels + c];
        target[c] = narrow<T>(mean);
      }
      sum += columns * channels;
      target += channels;
    }
  }
}

}  // namespace covary::COVARY_ENGINE
