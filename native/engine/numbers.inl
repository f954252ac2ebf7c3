// Rounding, clipping and the types of elements.
namespace covary::COVARY_ENGINE {

constexpr int chunk = 64;  // pixels whose coordinates are found at once
constexpr int lanes = 8;

template <class T>
constexpr float white_of() {
  return std::is_same_v<T, std::uint8_t> ? 255.0F : std::is_same_v<T, std::uint16_t> ? 65535.0F : 1.0F;
}

inline float white_of(Element element) {
  return element == Element::u8 ? 255.0F : element == Element::u16 ? 65535.0F : 1.0F;
}

// Clip to low..high; NaN becomes `low`.
COVARY_INLINE float clip(float value, float low, float high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

// Nearest integer, ties to even, for 0 <= value <= 65535: adding 1.5 * 2**23 leaves no room for a fraction.
COVARY_INLINE std::int32_t round_even(float value) {
  constexpr float magic = 12582912.0F;
  return static_cast<std::int32_t>((value + magic) - magic);
}

template <class T>
COVARY_INLINE T narrow(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    return static_cast<T>(round_even(clip(value, 0.0F, white_of<T>())));
  }
}

// Eight floats at once, whatever the machine makes of them.
typedef float Vec __attribute__((vector_size(32)));

COVARY_INLINE Vec load_vec(const float* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

COVARY_INLINE void store_vec(float* to, Vec v) { std::memcpy(to, &v, sizeof v); }

// Floor of a value known to fit an int32; unlike std::floor it vectorises everywhere.
template <class Real>
COVARY_INLINE std::int32_t floor_int(Real value) {
  const auto truncated = static_cast<std::int32_t>(value);
  return truncated - static_cast<std::int32_t>(static_cast<Real>(truncated) > value);
}

template <class Call>
inline void with_element(Element element, Call call) {
  switch (element) {
    case Element::u8:
      call(std::uint8_t{});
      break;
    case Element::u16:
      call(std::uint16_t{});
      break;
    default:
      call(float{});
      break;
  }
}

}  // namespace covary::COVARY_ENGINE
