// The mean of a square about each value, rounded to nearest; borders by "reflect". As squares have an odd number of pixels,
// no mean of whole numbers lies half-way between two.
namespace covary {
namespace COVARY_ENGINE {

namespace {

// Sums of bytes divided by a multiplication: (sum * factor) >> 16 >> shift.
struct Quotient {
  std::uint32_t factor;
  int shift;

  explicit Quotient(std::uint32_t divisor) {
    // The largest factor below 2**16, rounded up: by too much for no sum of up to 257 bytes (see the tests, which try all).
    shift = 0;
    while (((std::uint64_t{1} << (17 + shift)) + divisor - 1) / divisor < 65536) ++shift;
    factor = static_cast<std::uint32_t>(((std::uint64_t{1} << (16 + shift)) + divisor - 1) / divisor);
  }
};

template <class T>
using Sum = std::conditional_t<sizeof(T) == 1, std::uint16_t, std::uint32_t>;

template <int Side>
COVARY_ALWAYS void mean_run(const std::uint16_t* __restrict sums, std::int64_t step, std::int64_t n, std::uint8_t* __restrict to) {
  constexpr auto count = static_cast<std::uint32_t>(Side * Side);
  const Quotient by(count);
  for (std::int64_t i = 0; i < n; ++i) {
    auto sum = static_cast<std::uint16_t>(count / 2);
#pragma GCC unroll 16
    for (int k = 0; k < Side; ++k) sum = static_cast<std::uint16_t>(sum + sums[i + k * step]);
    const auto high = static_cast<std::uint16_t>((static_cast<std::uint32_t>(sum) * by.factor) >> 16);
    to[i] = static_cast<std::uint8_t>(high >> by.shift);
  }
}

template <int Side>
COVARY_ALWAYS void mean_run(const std::uint32_t* __restrict sums, std::int64_t step, std::int64_t n, std::uint16_t* __restrict to) {
  constexpr float share = 1.0F / static_cast<float>(Side * Side), magic = 12582912.0F;
  for (std::int64_t i = 0; i < n; ++i) {
    std::uint32_t sum = 0;
#pragma GCC unroll 16
    for (int k = 0; k < Side; ++k) sum += sums[i + k * step];
    const float mean = static_cast<float>(static_cast<std::int32_t>(sum)) * share;
    to[i] = static_cast<std::uint16_t>(static_cast<std::int32_t>((mean + magic) - magic));
  }
}

template <class T>
void add_row(const T* __restrict from, std::int64_t n, Sum<T>* __restrict sums) {
  for (std::int64_t i = 0; i < n; ++i) sums[i] = static_cast<Sum<T>>(sums[i] + from[i]);
}

template <class T>
void exchange_row(const T* __restrict in, const T* __restrict out, std::int64_t n, Sum<T>* __restrict sums) {
  for (std::int64_t i = 0; i < n; ++i) sums[i] = static_cast<Sum<T>>(sums[i] + in[i] - out[i]);
}

template <class T, int Radius>
void boxes(Rows<T> picture) {
  constexpr int side = 2 * Radius + 1;
  const std::int64_t c = picture.channels, run = picture.run(), height = picture.height, margin = Radius * c;
  // As many rows as the sums hold, and the one that leaves them.
  const std::int64_t kept = side + 1;
  const bool in_place = picture.data == picture.out;
  const Room<T> room(in_place ? kept * run : 0);
  const Room<Sum<T>> line(run + 2 * margin);
  Sum<T>* sums = line.data() + margin;
  const auto slot = [&](std::int64_t y) { return in_place ? room.data() + y % kept * run : picture.row(y); };
  const auto take = [&](std::int64_t y) {
    if (in_place) std::memcpy(room.data() + y % kept * run, picture.row(y), sizeof(T) * static_cast<std::size_t>(run));
  };
  for (std::int64_t y = 0; y < least(Radius, height); ++y) take(y);
  for (std::int64_t y = 0; y < height; ++y) {
    if (y + Radius < height) take(y + Radius);
    if (y == 0) {
      for (std::int64_t k = -Radius; k <= Radius; ++k) add_row<T>(slot(mirrored(k, height)), run, sums);
    } else {
      exchange_row<T>(slot(mirrored(y + Radius, height)), slot(mirrored(y - Radius - 1, height)), run, sums);
    }
    for (std::int64_t x = 1; x <= Radius; ++x) {
      std::memcpy(sums - x * c, sums + mirrored(-x, picture.width) * c, sizeof(Sum<T>) * static_cast<std::size_t>(c));
      std::memcpy(sums + run + (x - 1) * c, sums + mirrored(picture.width - 1 + x, picture.width) * c,
                  sizeof(Sum<T>) * static_cast<std::size_t>(c));
    }
    mean_run<side>(line.data(), c, run, picture.made(y));
  }
}

}  // namespace

template <class T>
void box(Rows<T> picture, int radius) {
  switch (radius) {
    case 1:
      return boxes<T, 1>(picture);
    case 2:
      return boxes<T, 2>(picture);
    case 3:
      return boxes<T, 3>(picture);
    default:
      break;
  }
  if constexpr (sizeof(T) == 1) {
    switch (radius) {
      case 4:
        return boxes<T, 4>(picture);
      case 5:
        return boxes<T, 5>(picture);
      case 6:
        return boxes<T, 6>(picture);
      case 7:
        return boxes<T, 7>(picture);
      default:
        break;
    }
  }
}

template void box(Rows<std::uint8_t>, int);
template void box(Rows<std::uint16_t>, int);

}  // namespace COVARY_ENGINE
}  // namespace covary
