// Values of 16 bits that are changed each by itself.
namespace covary::COVARY_ENGINE {

// A gain and an offset for each channel, and nothing else: straight from value to value.
inline bool scaled_values(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u16 || out.element != Element::u16 || out.planar) return false;
  const Step* step = only_colour(steps, scratch);
  if (step == nullptr || step->shape != Step::Shape::diagonal) return false;
  const std::int64_t channels = in.channels, n = in.width * channels;
  const float* m = step->matrix;
  bool alike = true;
  for (std::int64_t c = 0; c < channels; ++c)
    alike = alike && m[c * (channels + 2)] == m[0] && m[c * (channels + 1) + channels] == m[channels];
  // Those of a row, value by value.
  auto* gains = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
  auto* offsets = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
  for (std::int64_t i = 0; i < n; ++i) {
    gains[i] = m[i % channels * (channels + 2)];
    offsets[i] = m[i % channels * (channels + 1) + channels];
  }
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  Writer writer(out);
  for (std::int64_t y = 0; y < in.height; ++y) {
    const auto* COVARY_RESTRICT from = reinterpret_cast<const std::uint16_t*>(in.data) + y * n;
    auto* COVARY_RESTRICT to = reinterpret_cast<std::uint16_t*>(out.streamed ? staging : writer.at());
    std::int64_t i = 0;
#if defined(COVARY_ENGINE_AVX2)
    __m256 gain = _mm256_set1_ps(m[0]), offset = _mm256_set1_ps(m[channels]);
    for (; i + lanes <= n; i += lanes) {
      if (!alike) {
        gain = _mm256_loadu_ps(gains + i);
        offset = _mm256_loadu_ps(offsets + i);
      }
      const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(load_128(from + i)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), narrow8(_mm256_add_ps(_mm256_mul_ps(gain, values), offset)));
    }
#endif
    for (; i < n; ++i) to[i] = narrow<std::uint16_t>(gains[i] * static_cast<float>(from[i]) + offsets[i]);
    if (out.streamed) {
      writer.write(staging, out.row_size());
    } else {
      writer.skip(out.row_size());
    }
  }
  return true;
}

}  // namespace covary::COVARY_ENGINE
