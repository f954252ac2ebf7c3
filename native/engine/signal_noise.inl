// Noise whose deviation depends on the value that it falls on.
namespace covary::COVARY_ENGINE {

struct Signal {
  Value::Model model = Value::Model::additive;
  float variance = 0, slope = 0, gain = 0;
  const float* law = nullptr;  // 6 x 16 coefficients, or the normal law
  float* beside = nullptr;     // room for the second number of a magnitude
};

// Below this mean counts are found one by one, above by the expansion of their quantile.
constexpr float few = 6.0F;

// z[x] by the parabolas of a law, x in 0 .. n; 48 coefficients for each half of the numbers.
inline void law_row(const NoiseRow& row, const float* COVARY_RESTRICT law, std::int64_t n, float* COVARY_RESTRICT out) {
  alignas(32) std::int32_t q[chunk];
  alignas(32) float z[chunk];
  for (std::int64_t x0 = 0; x0 < n; x0 += chunk) {
    noise_numbers(row, x0 / chunk, q);
    for (int x = 0; x < chunk; ++x) {
      const auto v = static_cast<float>(2 * (q[x] & 0x7fff) + 1);
      std::int32_t bits;
      std::memcpy(&bits, &v, sizeof bits);
      const std::int32_t place = (bits >> 23) - 127 + 48 * (q[x] >> 15);
      bits = (bits & 0x7fffff) | 0x3f800000;
      float t;
      std::memcpy(&t, &bits, sizeof t);
      z[x] = (law[place] * t + law[16 + place]) * t + law[32 + place];
    }
    const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
    std::memcpy(out + x0, z, sizeof(float) * static_cast<std::size_t>(count));
  }
}

// The numbers of one row, of mean 0 and variance 1.
inline void signal_numbers(const Signal& signal, const NoiseRow& row, const float* gaussian, std::int64_t n, float* z) {
  if (signal.model == Value::Model::additive && signal.law != nullptr) {
    law_row(row, signal.law, n, z);
    return;
  }
  gaussian_row<Put>(row, gaussian, 0.0F, n, z);
  if (signal.model != Value::Model::magnitude) return;
  const NoiseRow other{row.stream, row.y, row.channel, tag_quadrature};
  gaussian_row<Put>(other, gaussian, 0.0F, n, signal.beside);
}

COVARY_INLINE float deviation(const Signal& signal, float v) {
  const float lit = v > 0.0F ? v : 0.0F;
  const float share = signal.gain * v;
  return std::sqrt((signal.variance + signal.slope * lit) + share * share);
}

// exp(-x) for 0 <= x <= few: the sixteenth power of a series.
COVARY_INLINE float exp_minus(float x) {
  const float t = x * -0.0625F;
  float e = ((((t * (1.0F / 120.0F) + 1.0F / 24.0F) * t + 1.0F / 6.0F) * t + 0.5F) * t + 1.0F) * t + 1.0F;
  e *= e;
  e *= e;
  e *= e;
  return e * e;
}

// One group of pixels counted one by one, where their mean is small: how many steps of the distribution lie below a number.
inline void count_few(const NoiseRow& row, std::int64_t group, int count, float unit, const float* COVARY_RESTRICT before,
                      float* COVARY_RESTRICT v) {
  alignas(32) std::int32_t q[chunk];
  noise_numbers(row, group, q);
  alignas(32) float chance[chunk], mean[chunk], share[chunk], below[chunk], found[chunk];
  for (int x = 0; x < count; ++x) {
    const float lit = before[x] > 0.0F ? before[x] : 0.0F;
    mean[x] = lit / unit;
    chance[x] = (static_cast<float>(q[x]) + 0.5F) * (1.0F / 65536.0F);
    below[x] = share[x] = exp_minus(mean[x] < few ? mean[x] : few);
    found[x] = 0.0F;
  }
  for (int step = 1; step <= 20; ++step) {
    const auto divisor = static_cast<float>(step);
    for (int x = 0; x < count; ++x) {
      found[x] += chance[x] > below[x] ? 1.0F : 0.0F;
      share[x] *= mean[x] / divisor;
      below[x] += share[x];
    }
  }
  for (int x = 0; x < count; ++x) v[x] = mean[x] < few ? found[x] * unit : v[x];
}

// Counts of photons; Giles, "Algorithm 955", 2016.
inline void counts_row(const Signal& signal, const NoiseRow& row, const float* COVARY_RESTRICT z, std::int64_t n,
                       float* COVARY_RESTRICT v) {
  const float unit = signal.slope;
  alignas(32) float before[chunk];
  for (std::int64_t x0 = 0; x0 < n; x0 += chunk) {
    const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
    std::memcpy(before, v + x0, sizeof(float) * static_cast<std::size_t>(count));
    std::int32_t dark = 0;
    for (int x = 0; x < count; ++x) {
      const float lit = before[x] > 0.0F ? before[x] : 0.0F;
      const float mean = lit / unit;
      dark |= static_cast<std::int32_t>(mean < few);
      const float root = std::sqrt(mean > few ? mean : few);
      const float w = z[x0 + x];
      const float found = ((mean + root * w) + (1.0F / 3.0F + w * w * (1.0F / 6.0F))) -
                          (w * (1.0F / 36.0F) + w * w * w * (1.0F / 72.0F)) / root;
      v[x0 + x] = std::floor(found > 0.0F ? found : 0.0F) * unit;
    }
    if (dark != 0) count_few(row, x0 / chunk, count, unit, before, v + x0);
  }
}

// One channel of one row; z are its numbers, and `row` says where they come from.
inline void signal_row(const Signal& signal, const NoiseRow& row, const float* COVARY_RESTRICT z, std::int64_t n,
                       float* COVARY_RESTRICT v) {
  switch (signal.model) {
    case Value::Model::counts:
      counts_row(signal, row, z, n, v);
      break;
    case Value::Model::magnitude: {
      const float* COVARY_RESTRICT beside = signal.beside;
      for (std::int64_t x = 0; x < n; ++x) {
        const float scale = deviation(signal, v[x]);
        const float along = v[x] + scale * z[x];
        const float across = scale * beside[x];
        v[x] = std::sqrt(along * along + across * across);
      }
      break;
    }
    case Value::Model::additive:
      for (std::int64_t x = 0; x < n; ++x) v[x] += deviation(signal, v[x]) * z[x];
      break;
  }
}

}  // namespace covary::COVARY_ENGINE
