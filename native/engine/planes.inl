// A row in flight is planar float32: plane c starts at row + c * stride. Here pixels become planes and planes pixels.
namespace covary::COVARY_ENGINE {

struct Planes {
  float* data = nullptr;
  std::int64_t stride = 0;
  float* operator[](std::int64_t c) const { return data + c * stride; }
};

#if defined(COVARY_ENGINE_AVX2)

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
#pragma GCC unroll 8
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
#pragma GCC unroll 8
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
