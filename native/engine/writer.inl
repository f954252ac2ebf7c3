// A picture's bytes on their way out.
namespace covary::COVARY_ENGINE {

// Writes a picture's bytes from first to last. A streamed one goes past the caches, a whole line of memory at a time: what a
// run leaves of a line waits for the next run, as single stores into a line that is on its way cost a trip to memory each.
class Writer {
 public:
  explicit Writer(const Picture& out) : at_(out.data), begin_(out.data), streamed_(out.streamed) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { finish(); }

  // The bytes that lie `ahead` bytes behind those that are read are asked of the memory early; 0 asks for none.
  void write(const std::uint8_t* in, std::int64_t n, std::int64_t ahead = 0) {
    (void)ahead;
#if defined(COVARY_ENGINE_AVX2)
    if (streamed_) return write_lines(in, n, ahead);
#endif
    std::memcpy(at_, in, static_cast<std::size_t>(n));
    at_ += n;
  }

  bool streamed() const { return streamed_; }
  // Whether rows of so many bytes share no line of memory, so that they may be written in any order.
  bool whole_lines(std::int64_t row) const { return row % line_size == 0 && in_line(begin_) == 0; }
  void go_to(std::uint8_t* row) { at_ = row; }
  std::uint8_t* at() const { return at_; }
  // Of a picture that is not streamed: `n` bytes have been written where `at` says.
  void skip(std::int64_t n) { at_ += n; }

  void finish() {
#if defined(COVARY_ENGINE_AVX2)
    const std::int64_t filled = streamed_ ? in_line(at_) : 0;
    if (filled == 0) return;
    std::uint8_t* const first = std::max(at_ - filled, begin_);
    std::memcpy(first, line_ + (filled - (at_ - first)), static_cast<std::size_t>(at_ - first));
    streamed_ = false;
#endif
  }

 private:
  static constexpr std::int64_t line_size = 64;
  static std::int64_t in_line(const std::uint8_t* p) {
    return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p) % line_size);
  }

#if defined(COVARY_ENGINE_AVX2)
  static void stream_line(const std::uint8_t* in, std::uint8_t* out) {
    for (int half = 0; half < 2; ++half)
      _mm256_stream_si256(reinterpret_cast<__m256i*>(out + 32 * half),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + 32 * half)));
  }

  void write_lines(const std::uint8_t* in, std::int64_t n, std::int64_t ahead) {
    const std::int64_t filled = in_line(at_);
    if (filled > 0) {
      const std::int64_t taken = std::min(n, line_size - filled);
      std::memcpy(line_ + filled, in, static_cast<std::size_t>(taken));
      at_ += taken;
      in += taken;
      n -= taken;
      if (filled + taken < line_size) return;
      std::uint8_t* const start = at_ - line_size;
      if (start >= begin_) {
        stream_line(line_, start);
      } else {
        std::memcpy(begin_, line_ + (begin_ - start), static_cast<std::size_t>(at_ - begin_));
      }
    }
    for (; n >= line_size; n -= line_size, in += line_size, at_ += line_size) {
      if (ahead != 0) prefetch(in, ahead);
      stream_line(in, at_);
    }
    std::memcpy(line_, in, static_cast<std::size_t>(n));
    at_ += n;
  }

  alignas(line_size) std::uint8_t line_[line_size];
#endif
  std::uint8_t* at_;
  std::uint8_t* const begin_;
  bool streamed_;
};

// Makes a picture's bytes from byte `first` on, a block at a time: make(at, count, to) puts so many from byte `at` on where
// `to` says. What is streamed waits there for the rest of its lines.
template <class Make>
COVARY_INLINE void write_in_blocks(const Picture& out, std::int64_t first, std::int64_t block, Scratch& scratch, Make make) {
  auto* const staging = out.streamed ? static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(block))) : nullptr;
  Picture left = out;
  left.data += first;
  Writer writer(left);
  const std::int64_t bytes = out.bytes();
  for (std::int64_t at = first; at < bytes; at += block) {
    const std::int64_t count = std::min(block, bytes - at);
    make(at, count, staging != nullptr ? staging : out.data + at);
    if (staging != nullptr) writer.write(staging, count);
  }
}

// About `bytes` of whole pixels of `size` bytes, which end with a line of memory where they begin with one.
inline std::int64_t whole_pixels(std::int64_t bytes, std::int64_t size) {
  return std::max<std::int64_t>(bytes / (64 * size), 1) * 64 * size;
}

}  // namespace covary::COVARY_ENGINE
