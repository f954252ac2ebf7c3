// What the filters of neighbours share, and the filters themselves. Compiled once per instruction set into its own namespace;
// the compiler's own vectors are the same arithmetic on every machine.
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../blocks.hpp"
#include "neighbours.hpp"

#define COVARY_ALWAYS inline __attribute__((always_inline))

namespace covary {
namespace COVARY_ENGINE {

namespace {

template <class T>
struct VectorOf;
template <>
struct VectorOf<std::uint8_t> {
  typedef std::uint8_t Type __attribute__((vector_size(32)));
};
template <>
struct VectorOf<std::uint16_t> {
  typedef std::uint16_t Type __attribute__((vector_size(32)));
};
template <>
struct VectorOf<float> {
  typedef float Type __attribute__((vector_size(32)));
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
constexpr std::int64_t lanes = static_cast<std::int64_t>(sizeof(Vector<T>) / sizeof(T));

template <class T>
COVARY_ALWAYS Vector<T> load(const T* from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
COVARY_ALWAYS void store(T* to, Vector<T> v) {
  std::memcpy(to, &v, sizeof v);
}

// The first values of a vector, at most as many as are `left`.
template <class T>
COVARY_ALWAYS void store_some(T* to, Vector<T> v, std::int64_t left) {
  if (left >= lanes<T>) {
    store(to, v);
  } else {
    std::memcpy(to, &v, sizeof(T) * static_cast<std::size_t>(left));
  }
}

// Rows of large pictures go past the caches, which could not keep them: by whole lines of memory, where all rows begin with one.
constexpr std::int64_t line_size = 64, large = std::int64_t{1} << 19;

template <class T>
bool streams(const T* first, std::int64_t run, std::int64_t height) {
#if defined(__AVX2__)
  const std::int64_t bytes = run * static_cast<std::int64_t>(sizeof(T));
  return bytes * height >= large && bytes % line_size == 0 && reinterpret_cast<std::uintptr_t>(first) % line_size == 0;
#else
  (void)first, (void)run, (void)height;
  return false;
#endif
}

template <class T>
COVARY_ALWAYS void stream_row(const T* row, std::int64_t run, T* to) {
#if defined(__AVX2__)
  for (std::int64_t i = 0; i < run; i += lanes<T>)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + i)));
#else
  std::memcpy(to, row, sizeof(T) * static_cast<std::size_t>(run));
#endif
}

inline void end_of_streams() {
#if defined(__AVX2__)
  _mm_sfence();
#endif
}

// Copies row y and asks the memory for one further down: there is work between rows, in which the processor itself would read
// nothing ahead.
template <class T>
COVARY_ALWAYS void copy_row(const Rows<T>& picture, std::int64_t y, T* to) {
  constexpr std::int64_t ahead = 4;
  const auto bytes = static_cast<std::int64_t>(sizeof(T)) * picture.run();
  std::memcpy(to, picture.row(y), static_cast<std::size_t>(bytes));
  if (y + ahead >= picture.height) return;
  const auto* later = reinterpret_cast<const char*>(picture.row(y + ahead));
  for (std::int64_t i = 0; i < bytes; i += line_size) __builtin_prefetch(later + i);
}

template <class V>
COVARY_ALWAYS V lower(V a, V b) {
  return a < b ? a : b;
}

template <class V>
COVARY_ALWAYS V higher(V a, V b) {
  return a > b ? a : b;
}

constexpr std::int64_t whole(std::int64_t count, std::int64_t group) { return (count + group - 1) / group * group; }

constexpr std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

constexpr std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

// An index folded into 0 .. n - 1, mirrored without the edge.
inline std::int64_t mirrored(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

// Memory for the time of a call, zero at first so that what lies beyond the ends of rows can be read along with them.
template <class T>
class Room {
 public:
  explicit Room(std::int64_t count) : bytes_(sizeof(T) * static_cast<std::size_t>(count)), block_(take_block(bytes_)) {
    std::memset(block_, 0, bytes_);
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { return_block(block_); }
  T* data() const { return static_cast<T*>(block_); }

 private:
  std::size_t bytes_;
  void* block_;
};

}  // namespace

}  // namespace COVARY_ENGINE
}  // namespace covary

#include "median.inl"
#include "extreme.inl"
#include "box.inl"
#include "zoom.inl"
