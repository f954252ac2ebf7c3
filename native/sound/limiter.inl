// A limiter, see limiter.hpp. Compiled once per instruction set into its own namespace; behind draw.inl.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "limiter.hpp"

namespace covary {
namespace COVARY_ENGINE {

namespace {

constexpr float loge = 0.693147181f, log2e = 1.44269504f;

// How many octaves a positive value lies above 1; 0 below.
inline float octaves_above(float value) {
  std::int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // of a mantissa between the roots of 1/2 and 2
  bits -= exponent * (1 << 23);
  float mantissa;
  std::memcpy(&mantissa, &bits, sizeof mantissa);
  // The logarithm's series in the ratio of difference and sum.
  const float s = (mantissa - 1.0f) / (mantissa + 1.0f), y = s * s;
  const float log = s * (2.0f + y * (0.666666667f + y * (0.4f + y * (0.285714286f + y * 0.222222222f))));
  const float made = log * log2e + static_cast<float>(exponent);
  return made > 0.0f ? made : 0.0f;
}

// 2 to the power of -octaves, for 0 to 120 octaves; 1 exactly for none.
inline float turned_down(float octaves) {
  const float power = octaves < 120.0f ? -octaves : -120.0f;
  const float whole = (power + 12582912.0f) - 12582912.0f;  // rounded to nearest
  const float y = (power - whole) * loge;
  const float part = 1.0f + y * (1.0f + y * (0.5f + y * (0.166666667f + y * (0.0416666667f + y * (0.00833333333f + y * (0.00138888889f + y * 0.000198412698f))))));
  std::int32_t bits;
  std::memcpy(&bits, &part, sizeof bits);
  bits += static_cast<std::int32_t>(whole) * (1 << 23);
  float made;
  std::memcpy(&made, &bits, sizeof made);
  return made;
}

constexpr std::int64_t ways = 8;

inline float stored(double value) { return value > 1e-20 ? static_cast<float>(value) : 0.0f; }

// In place of what is needed, the least curve that is never below it and of which `kept` is left from sample to sample. Each sample waits for the one
// before it, so several parts of the sound go side by side; then each takes over what the part before left behind.
void release(float* curve, std::int64_t length, double kept) {
  const std::int64_t part = length < 64 ? length : (length + ways - 1) / ways;
  const std::int64_t parts = length < 64 ? 1 : ways, last = length - (parts - 1) * part;
  double now[ways] = {};
  const auto advance = [&](std::int64_t way, std::int64_t at) {
    const double left = now[way] * kept, own = curve[way * part + at];
    now[way] = left < own ? own : left;
    curve[way * part + at] = stored(now[way]);
  };
  std::int64_t at = 0;
  if (parts == ways)
    for (; at < last; ++at)
      for (std::int64_t way = 0; way < ways; ++way) advance(way, at);
  for (std::int64_t way = 0; way < parts; ++way)
    for (std::int64_t rest = at; rest < (way + 1 < parts ? part : last); ++rest) advance(way, rest);
  for (std::int64_t way = 1; way < parts; ++way) {
    double left = now[way - 1];
    const std::int64_t start = way * part, stop = std::min(start + part, length);
    std::int64_t place = start;
    for (; place < stop; ++place) {
      left *= kept;
      if (curve[place] >= left) break;
      curve[place] = stored(left);
    }
    if (place == stop) now[way] = left;
  }
}

// values[t] = the highest of the `width` values from t on, for as many t as there are.
void highest(float* values, std::int64_t count, std::int64_t width) {
  std::int64_t reach = 1;
  const auto joined = [&](std::int64_t one, std::int64_t two, std::int64_t three) {
    count -= three;
    COVARY_EACH_BY_ITSELF
    for (std::int64_t t = 0; t < count; ++t) {
      const float a = std::max(values[t], values[t + one]), b = std::max(values[t + two], values[t + three]);
      values[t] = std::max(a, b);
    }
  };
  for (; reach * 4 <= width; reach *= 4) joined(reach, 2 * reach, 3 * reach);
  joined(std::min(reach, width - reach), std::min(2 * reach, width - reach), width - reach);
}

// sums[t] = the sum of the `width` values from t on, for `made` of them. What is in `values` is used up.
void summed(float* values, std::int64_t count, std::int64_t width, float* sums, std::int64_t made) {
  std::copy(values, values + made, sums);  // widths are odd: one of them at least stands alone
  std::int64_t from = 1;
  for (std::int64_t reach = 1;; reach *= 4) {
    const std::int64_t digit = width / reach % 4;
    for (std::int64_t k = reach == 1 ? 1 : 0; k < digit; ++k, from += reach) {
      const float* more = values + from;
      COVARY_EACH_BY_ITSELF
      for (std::int64_t t = 0; t < made; ++t) sums[t] += more[t];
    }
    if (reach * 4 > width) return;
    count -= 3 * reach;
    COVARY_EACH_BY_ITSELF
    for (std::int64_t t = 0; t < count; ++t)
      values[t] = (values[t] + values[t + reach]) + (values[t + 2 * reach] + values[t + 3 * reach]);
  }
}

}  // namespace

void limit(const Limiting& job) {
  const std::int64_t length = job.length, half = job.half, width = 2 * half + 1;
  const float inverse = 1.0f / job.limit;
  Between curves, tiles;
  float* curve = curves.of(length);
  bool any = false;
  for (std::int64_t start = 0; start < length; start += chunk) {
    const std::int64_t count = std::min(chunk, length - start);
    float loudest[chunk];
    const float* first = job.wave + start;
    Worst worst = mapped<true>(first, loudest, count, [](float x, std::int64_t) { return std::abs(x); });
    for (std::int64_t channel = 1; channel < job.channels; ++channel) {
      const float* from = first + channel * job.wave_step;
      worst.join(mapped<true>(from, loudest, count, [&](float x, std::int64_t at) { return std::max(loudest[at], std::abs(x)); }).bits);
    }
    if (worst.magnitude() > job.limit) {
      any = true;
      for (std::int64_t at = 0; at < count; ++at) curve[start + at] = octaves_above(loudest[at] * inverse);
    } else {
      std::fill(curve + start, curve + start + count, 0.0f);
    }
  }
  if (!any) {
    for (std::int64_t channel = 0; channel < job.channels; ++channel)
      std::copy(job.wave + channel * job.wave_step, job.wave + channel * job.wave_step + length, job.out + channel * length);
    return;
  }
  release(curve, length, job.kept);

  const std::int64_t tile = std::max(chunk, 2 * width);
  float* values = tiles.of(2 * tile + 4 * half);
  float* sums = values + tile + 4 * half;
  const float mean = 1.0f / static_cast<float>(width);
  for (std::int64_t start = 0; start < length; start += tile) {
    const std::int64_t count = std::min(tile, length - start), first = start - 2 * half, seen = count + 4 * half;
    // Beyond its ends the curve goes on as it ends.
    const std::int64_t before = std::min(seen, std::max<std::int64_t>(0, -first)), inside = std::max<std::int64_t>(before, std::min(seen, length - first));
    std::fill(values, values + before, curve[0]);
    std::copy(curve + first + before, curve + first + inside, values + before);
    std::fill(values + inside, values + seen, curve[length - 1]);
    // Every value in the mean covers the sample in the middle, so that nowhere less is turned down than is needed.
    highest(values, seen, width);
    summed(values, seen - 2 * half, width, sums, count);
    COVARY_EACH_BY_ITSELF
    for (std::int64_t at = 0; at < count; ++at) sums[at] = turned_down(sums[at] * mean);
    for (std::int64_t channel = 0; channel < job.channels; ++channel) {
      const float* from = job.wave + channel * job.wave_step + start;
      const float most = job.limit;  // rounding may leave a sample a hair above
      mapped<false>(from, job.out + channel * length + start, count, [=](float x, std::int64_t at) {
        const float made = x * sums[at], above = made < -most ? -most : made;
        return above > most ? most : above;
      });
    }
  }
}

}  // namespace COVARY_ENGINE
}  // namespace covary
