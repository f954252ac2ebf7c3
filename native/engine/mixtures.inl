// Pictures whose channels are mixed, with nothing else to be done: from pixels to pixels in registers.
namespace covary::COVARY_ENGINE {

#if defined(COVARY_ENGINE_AVX2)

// One mixture of three channels, from pixel `first` on.
template <class T>
void mix_pixels(const float* m, const Picture& in, const Picture& out, std::int64_t first,
                std::int64_t (*mix_row)(const float*, const T*, std::int64_t, T*), Scratch& scratch) {
  constexpr std::int64_t size = 3 * sizeof(T), block = 2048 * size;
  write_in_blocks(out, first * size, block, scratch, [&](std::int64_t at, std::int64_t count, std::uint8_t* bytes) {
    const T* from = reinterpret_cast<const T*>(in.data + at);
    T* to = reinterpret_cast<T*>(bytes);
    const std::int64_t pixels = count / size;
    for (std::int64_t i = 3 * mix_row(m, from, pixels, to); i < 3 * pixels; i += 3)
      for (int c = 0; c < 3; ++c)
        to[i + c] = narrow<T>(((m[4 * c] * static_cast<float>(from[i]) + m[4 * c + 1] * static_cast<float>(from[i + 1])) +
                               m[4 * c + 2] * static_cast<float>(from[i + 2])) +
                              m[4 * c + 3]);
  });
}

inline void mix_bytes(const float* m, bool grey, const Picture& in, const Picture& out, Scratch& scratch) {
  const bool shifted = m[3] != 0.0F || m[7] != 0.0F || m[11] != 0.0F;
  std::int64_t done = 0;
  if (has_vbmi() && has_small_sums(m, 255.0F)) {
    const auto mix_blocks = grey ? (shifted ? mix_blocks3<true, true> : mix_blocks3<true, false>)
                                 : (shifted ? mix_blocks3<false, true> : mix_blocks3<false, false>);
    done = mix_blocks(m, in.data, in.height * in.width, out.streamed, out.data);
  }
  mix_pixels<std::uint8_t>(m, in, out, done, grey ? mix_row3<true> : mix_row3<false>, scratch);
}

inline void mix_words(const float* m, bool grey, const Picture& in, const Picture& out, Scratch& scratch) {
  std::int64_t done = 0;
  if (has_avx512() && has_small_sums(m, 65535.0F))
    done = mix_word_blocks3(m, reinterpret_cast<const std::uint16_t*>(in.data), in.height * in.width, out.streamed,
                            reinterpret_cast<std::uint16_t*>(out.data));
  mix_pixels<std::uint16_t>(m, in, out, done, grey ? mix_words3<true> : mix_words3<false>, scratch);
}

#endif

inline bool mixed(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
#if defined(COVARY_ENGINE_AVX2)
  if (in.element == Element::f32 || out.element != in.element || out.planar || in.channels != 3) return false;
  const Step* step = only_colour(steps, scratch);
  if (step == nullptr || (in.element == Element::u16 && step->shape == Step::Shape::diagonal)) return false;
  const float* m = step->matrix;
  const bool grey = std::memcmp(m, m + 4, 4 * sizeof(float)) == 0 && std::memcmp(m, m + 8, 4 * sizeof(float)) == 0;
  if (in.element == Element::u8) {
    mix_bytes(m, grey, in, out, scratch);
  } else {
    mix_words(m, grey, in, out, scratch);
  }
  return true;
#else
  (void)in, (void)steps, (void)out, (void)scratch;
  return false;
#endif
}

}  // namespace covary::COVARY_ENGINE
