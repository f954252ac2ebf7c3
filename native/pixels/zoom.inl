// The mean of a picture and of itself magnified about its centre, several times over; sampled linearly.
namespace covary {
namespace COVARY_ENGINE {

namespace {

// Where the values along one axis come from: between `from` and the next one, at the share `after` of the way.
struct Axis {
  std::int64_t from;
  float after;
};

inline Axis along(double share, std::int64_t i, std::int64_t n) {
  const double centre = 0.5 * static_cast<double>(n - 1);
  const double position = share * (static_cast<double>(i) - centre) + centre;
  const double before = std::floor(position);
  return {static_cast<std::int64_t>(before), static_cast<float>(position - before)};
}

COVARY_ALWAYS void between(const float* __restrict a, const float* __restrict b, float share, std::int64_t n,
                           float* __restrict to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = a[i] + share * (b[i] - a[i]);
}

COVARY_ALWAYS void between(const float* __restrict a, const float* __restrict b, const float* __restrict share, std::int64_t n,
                           float* __restrict to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = a[i] + share[i] * (b[i] - a[i]);
}

COVARY_ALWAYS void join(const float* __restrict other, std::int64_t n, float* __restrict own) {
  for (std::int64_t i = 0; i < n; ++i) own[i] = (own[i] + other[i]) * 0.5F;
}

// Neighbouring pixels that come from places equally far from their own.
struct Stretch {
  std::int64_t start, end;  // in the row
  std::int64_t from;
};

// The picture is changed in place: rows come from ones nearer to the middle, which are changed after them.
void join_zoom(const Rows<float>& picture, double zoom) {
  const std::int64_t c = picture.channels, run = picture.run(), width = picture.width, height = picture.height;
  const double share = 1.0 / zoom;
  const Room<float> room(4 * run + c);
  float *shares = room.data(), *middle = shares + run, *made = middle + run, *mixed = made + run;
  const Room<Stretch> stretches(width);
  std::int64_t count = 0;
  for (std::int64_t x = 0; x < width; ++x) {
    const Axis axis = along(share, x, width);
    for (std::int64_t k = 0; k < c; ++k) shares[x * c + k] = axis.after;
    Stretch* last = stretches.data() + count - 1;
    if (count > 0 && axis.from * c - last->from == x * c - last->start) {
      last->end += c;
    } else {
      stretches.data()[count++] = {x * c, x * c + c, axis.from * c};
    }
  }
  const std::int64_t centre = (height - 1) / 2;
  std::memcpy(middle, picture.made(centre), sizeof(float) * static_cast<std::size_t>(run));
  const auto work = [&](std::int64_t y, bool lower_half) {
    const Axis axis = along(share, y, height);
    const auto row = [&](std::int64_t at) { return lower_half && at == centre ? middle : picture.made(least(at, height - 1)); };
    between(row(axis.from), row(axis.from + 1), axis.after, run, mixed);
    // The last pixel has none after it, and asks for nothing of it.
    std::memcpy(mixed + run, mixed + run - c, sizeof(float) * static_cast<std::size_t>(c));
    for (std::int64_t k = 0; k < count; ++k) {
      const Stretch& s = stretches.data()[k];
      between(mixed + s.from, mixed + s.from + c, shares + s.start, s.end - s.start, made + s.start);
    }
    join(made, run, picture.made(y));
  };
  for (std::int64_t y = 0; y <= centre; ++y) work(y, false);
  for (std::int64_t y = height - 1; y > centre; --y) work(y, true);
}

}  // namespace

template <class T>
void zoomed(Rows<T> picture, const double* steps, std::int64_t count) {
  const std::int64_t values = picture.height * picture.run();
  if constexpr (std::is_same_v<T, float>) {
    if (picture.out != picture.data) std::memcpy(picture.out, picture.data, sizeof(float) * static_cast<std::size_t>(values));
    for (std::int64_t k = 0; k < count; ++k) join_zoom(picture, steps[k]);
  } else {
    void* block = take_block(sizeof(float) * static_cast<std::size_t>(values));
    auto* __restrict reals = static_cast<float*>(block);
    const T* from = picture.data;
    T* to = picture.out;
    for (std::int64_t i = 0; i < values; ++i) reals[i] = static_cast<float>(from[i]);
    zoomed(Rows<float>{reals, reals, picture.height, picture.width, picture.channels}, steps, count);
    constexpr float magic = 12582912.0F;  // rounds to nearest, ties to even; means stay within the range of the values
    for (std::int64_t i = 0; i < values; ++i) to[i] = static_cast<T>(static_cast<std::int32_t>((reals[i] + magic) - magic));
    return_block(block);
  }
}

template void zoomed(Rows<std::uint8_t>, const double*, std::int64_t);
template void zoomed(Rows<std::uint16_t>, const double*, std::int64_t);
template void zoomed(Rows<float>, const double*, std::int64_t);

}  // namespace COVARY_ENGINE
}  // namespace covary
