// Pictures of 16 bits whose channels are scaled and shifted, with nothing else to be done: straight from value to value.
namespace covary::COVARY_ENGINE {

// clip(v + shift) or clip(65535 - v + shift), for which whole numbers are enough.
struct Shift {
  std::uint16_t turned = 0;  // all bits, or none
  std::uint16_t up = 0;
  std::uint16_t down = 0;

  std::uint16_t operator()(std::uint16_t v) const {
    const int raised = std::min((v ^ turned) + up, 65535);
    return static_cast<std::uint16_t>(std::max(raised - down, 0));
  }
};

inline bool shift_of(float gain, float offset, Shift& shift) {
  if ((gain != 1.0F && gain != -1.0F) || offset != std::nearbyint(offset)) return false;
  const float by = clip(gain < 0.0F ? offset - 65535.0F : offset, -65535.0F, 65535.0F);
  shift.turned = gain < 0.0F ? 0xFFFF : 0;
  shift.up = static_cast<std::uint16_t>(std::max(by, 0.0F));
  shift.down = static_cast<std::uint16_t>(std::max(-by, 0.0F));
  return true;
}

// A gain and an offset for every value of a block of pixels.
struct Scale {
  const float* gains = nullptr;
  const float* offsets = nullptr;
  std::int64_t count = 0;  // a multiple of 64
};

inline Scale scale_of(const float* matrix, std::int64_t channels, Scratch& scratch) {
  Scale scale;
  scale.count = whole_pixels(512, channels);
  auto* gains = static_cast<float*>(scratch.piece(2 * sizeof(float) * static_cast<std::size_t>(scale.count)));
  float* offsets = gains + scale.count;
  for (std::int64_t i = 0; i < scale.count; ++i) {
    const std::int64_t c = i % channels;
    gains[i] = matrix[c * (channels + 2)];
    offsets[i] = matrix[c * (channels + 1) + channels];
  }
  scale.gains = gains;
  scale.offsets = offsets;
  return scale;
}

#if defined(COVARY_ENGINE_AVX2)

// Whole registers of `n` values; return how many were done.
COVARY_AVX512 inline std::int64_t shift_lines(Shift shift, const std::uint16_t* from, std::int64_t n, bool streamed, std::uint16_t* to) {
  const __m512i turned = _mm512_set1_epi16(static_cast<short>(shift.turned));
  const __m512i up = _mm512_set1_epi16(static_cast<short>(shift.up)), down = _mm512_set1_epi16(static_cast<short>(shift.down));
  const bool lines = streamed && at_line(to);
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m512i v = _mm512_xor_si512(_mm512_loadu_si512(from + i), turned);
    store_64(to + i, _mm512_subs_epu16(_mm512_adds_epu16(v, up), down), lines);
  }
  return i;
}

COVARY_AVX512 inline __m256i scale_16(__m256i words, const float* gains, const float* offsets) {
  const __m512 v = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(words));
  const __m512 scaled = _mm512_add_ps(_mm512_mul_ps(_mm512_loadu_ps(gains), v), _mm512_loadu_ps(offsets));
  const __m512 clipped = _mm512_min_ps(_mm512_max_ps(scaled, _mm512_setzero_ps()), _mm512_set1_ps(65535.0F));
  return _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(clipped));
}

COVARY_AVX512 inline std::int64_t scale_lines(const Scale& scale, const std::uint16_t* from, std::int64_t n, bool streamed,
                                              std::uint16_t* to) {
  const bool lines = streamed && at_line(to);
  std::int64_t i = 0;
  for (std::int64_t k = 0; i + 32 <= n; i += 32, k = k + 32 < scale.count ? k + 32 : 0) {
    const __m512i v = _mm512_loadu_si512(from + i);
    const __m256i low = scale_16(_mm512_castsi512_si256(v), scale.gains + k, scale.offsets + k);
    const __m256i high = scale_16(_mm512_extracti64x4_epi64(v, 1), scale.gains + k + 16, scale.offsets + k + 16);
    store_64(to + i, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), lines);
  }
  return i;
}

#endif

inline void shift_words(Shift shift, const Picture& in, const Picture& out, Scratch& scratch) {
  std::int64_t done = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (has_avx512())
    done = shift_lines(shift, reinterpret_cast<const std::uint16_t*>(in.data), in.bytes() / 2, out.streamed,
                       reinterpret_cast<std::uint16_t*>(out.data));
#endif
  write_in_blocks(out, 2 * done, 4096, scratch, [=](std::int64_t at, std::int64_t count, std::uint8_t* bytes) {
    const auto* COVARY_RESTRICT from = reinterpret_cast<const std::uint16_t*>(in.data + at);
    auto* COVARY_RESTRICT to = reinterpret_cast<std::uint16_t*>(bytes);
    for (std::int64_t i = 0; i < count / 2; ++i) to[i] = shift(from[i]);
  });
}

inline void scale_words(const Scale& scale, const Picture& in, const Picture& out, Scratch& scratch) {
  std::int64_t done = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (has_avx512())
    done = scale_lines(scale, reinterpret_cast<const std::uint16_t*>(in.data), in.bytes() / 2, out.streamed,
                       reinterpret_cast<std::uint16_t*>(out.data));
#endif
  // Fewer than 32 values are left, or all of them.
  const float *gains = scale.gains + done % scale.count, *offsets = scale.offsets + done % scale.count;
  write_in_blocks(out, 2 * done, 2 * scale.count, scratch, [=](std::int64_t at, std::int64_t count, std::uint8_t* bytes) {
    const auto* COVARY_RESTRICT from = reinterpret_cast<const std::uint16_t*>(in.data + at);
    auto* COVARY_RESTRICT to = reinterpret_cast<std::uint16_t*>(bytes);
    std::int64_t i = 0;
#if defined(COVARY_ENGINE_AVX2)
    for (; i + lanes <= count / 2; i += lanes) {
      const __m256 v = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(load_128(from + i)));
      const __m256 scaled = _mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(gains + i), v), _mm256_loadu_ps(offsets + i));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), narrow8(scaled));
    }
#endif
    for (; i < count / 2; ++i) to[i] = narrow<std::uint16_t>(gains[i] * static_cast<float>(from[i]) + offsets[i]);
  });
}

inline bool scaled_values(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u16 || out.element != Element::u16 || out.planar) return false;
  const Step* step = only_colour(steps, scratch);
  if (step == nullptr || step->shape != Step::Shape::diagonal) return false;
  const float* m = step->matrix;
  const std::int64_t channels = in.channels;
  bool alike = true;
  for (std::int64_t c = 0; c < channels; ++c)
    alike = alike && m[c * (channels + 2)] == m[0] && m[c * (channels + 1) + channels] == m[channels];
  Shift shift;
  if (alike && shift_of(m[0], m[channels], shift)) {
    shift_words(shift, in, out, scratch);
  } else {
    scale_words(scale_of(m, channels, scratch), in, out, scratch);
  }
  return true;
}

}  // namespace covary::COVARY_ENGINE
