// What stands for an index outside an axis of n elements, n >= 1: numpy.pad's meaning, continued periodically.
namespace covary::COVARY_ENGINE {

inline std::int64_t modulo(std::int64_t index, std::int64_t period) {
  index %= period;
  return index < 0 ? index + period : index;
}

inline std::int64_t border_index(std::int64_t index, std::int64_t n, Border border) {
  if (static_cast<std::uint64_t>(index) < static_cast<std::uint64_t>(n)) return index;
  switch (border) {
    case Border::reflect: {
      if (n == 1) return 0;
      const std::int64_t once = index < 0 ? -index : 2 * (n - 1) - index;
      if (static_cast<std::uint64_t>(once) < static_cast<std::uint64_t>(n)) return once;
      index = modulo(index, 2 * (n - 1));
      return index < n ? index : 2 * (n - 1) - index;
    }
    case Border::symmetric:
      index = modulo(index, 2 * n);
      return index < n ? index : 2 * n - 1 - index;
    case Border::wrap:
      return modulo(index, n);
    default:
      return index < 0 ? 0 : n - 1;
  }
}

// Beyond this, and where not finite, a position is lost: nothing of the source covers it, and pixel (0, 0) stands for it.
constexpr double far_away = 1073741824.0;

inline bool is_near(double position) { return position >= -far_away && position <= far_away; }

// Whether none of n points is lost. Counting, unlike stopping early, is done for many at once.
inline bool all_near(const double* x, const double* y, int n) {
  std::int64_t lost = 0;
  for (int i = 0; i < n; ++i) {
    const double further = std::fabs(x[i]) <= far_away ? std::fabs(y[i]) : far_away * 2;
    lost += further <= far_away ? 0 : 1;
  }
  return lost == 0;
}

// All of n indices brought onto an axis of `length` elements.
inline void border_indices(std::int32_t* COVARY_RESTRICT index, int n, std::int64_t length, Border border) {
  const auto last = static_cast<std::int32_t>(length - 1);
  if (border == Border::edge || border == Border::constant) {
    for (int i = 0; i < n; ++i) index[i] = std::min(std::max(index[i], 0), last);
  } else {
    for (int i = 0; i < n; ++i)
      if (index[i] < 0 || index[i] > last) index[i] = static_cast<std::int32_t>(border_index(index[i], length, border));
  }
}

// How much of the pixel at index + fraction lies on the axis.
inline float axis_coverage(std::int32_t index, float fraction, std::int32_t n) {
  const float from_start = static_cast<float>(index + 1) + fraction;
  const float to_end = static_cast<float>(n - index) - fraction;
  return clip(from_start < to_end ? from_start : to_end, 0.0F, 1.0F);
}

}  // namespace covary::COVARY_ENGINE
