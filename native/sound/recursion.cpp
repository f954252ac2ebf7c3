#include "recursion.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace covary {

namespace {

constexpr std::int64_t chunk = 512;
constexpr int most_at_once = 4;
constexpr double nothing = 1e-150;  // far below what any result can hold; numbers smaller still slow the processor down

// Some sections of a cascade over some samples, in direct form II transposed. Each waits for its own last sample only, so that
// several cost hardly more than one.
template <int count>
void advance(double* values, std::int64_t samples, const double* numbers, double* state) {
  double b0[count], b1[count], b2[count], a1[count], a2[count], z0[count], z1[count];
  for (int s = 0; s < count; ++s) {
    const double* n = numbers + 6 * s;
    b0[s] = n[0];
    b1[s] = n[1];
    b2[s] = n[2];
    a1[s] = n[4];
    a2[s] = n[5];
    z0[s] = state[2 * s];
    z1[s] = state[2 * s + 1];
  }
  for (std::int64_t at = 0; at < samples; ++at) {
    double x = values[at];
    for (int s = 0; s < count; ++s) {
      const double y = b0[s] * x + z0[s];
      z0[s] = b1[s] * x - a1[s] * y + z1[s];
      z1[s] = b2[s] * x - a2[s] * y;
      x = y;
    }
    values[at] = x;
  }
  for (int s = 0; s < count; ++s) {
    state[2 * s] = std::abs(z0[s]) < nothing ? 0.0 : z0[s];
    state[2 * s + 1] = std::abs(z1[s]) < nothing ? 0.0 : z1[s];
  }
}

// All sections over some samples.
void cascade(double* values, std::int64_t samples, const double* sections, std::int64_t count, double* state) {
  for (std::int64_t first = 0; first < count; first += most_at_once) {
    const double* numbers = sections + 6 * first;
    double* own = state + 2 * first;
    switch (std::min<std::int64_t>(most_at_once, count - first)) {
      case 1: advance<1>(values, samples, numbers, own); break;
      case 2: advance<2>(values, samples, numbers, own); break;
      case 3: advance<3>(values, samples, numbers, own); break;
      default: advance<4>(values, samples, numbers, own); break;
    }
  }
}

}  // namespace

template <class Out>
void recurse(const float* wave, std::int64_t length, const double* sections, std::int64_t count, Out* out) {
  std::vector<double> state(static_cast<std::size_t>(2 * count), 0.0);
  double values[chunk];
  for (std::int64_t start = 0; start < length; start += chunk) {
    const std::int64_t samples = std::min(chunk, length - start);
    std::copy(wave + start, wave + start + samples, values);
    cascade(values, samples, sections, count, state.data());
    for (std::int64_t at = 0; at < samples; ++at) out[start + at] = static_cast<Out>(values[at]);
  }
}

void recursed_energy(const float* wave, const double* sections, std::int64_t count, const std::int64_t* edges, std::int64_t stretches, double* energies) {
  std::vector<double> state(static_cast<std::size_t>(2 * count), 0.0);
  double values[chunk];
  std::int64_t at = 0;
  for (std::int64_t stretch = -1; stretch < stretches; ++stretch) {
    const std::int64_t stop = edges[stretch + 1];  // before the first edge nothing is summed
    double sums[8] = {};
    for (; at < stop; at += chunk) {
      const std::int64_t samples = std::min(chunk, stop - at);
      std::copy(wave + at, wave + at + samples, values);
      cascade(values, samples, sections, count, state.data());
      if (stretch < 0) continue;
      std::fill(values + samples, values + (samples + 7) / 8 * 8, 0.0);
      for (std::int64_t k = 0; k < samples; k += 8)
        for (std::int64_t lane = 0; lane < 8; ++lane) sums[lane] += values[k + lane] * values[k + lane];
    }
    at = stop;
    if (stretch >= 0) energies[stretch] = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  }
}

template void recurse<float>(const float*, std::int64_t, const double*, std::int64_t, float*);
template void recurse<double>(const float*, std::int64_t, const double*, std::int64_t, double*);

}  // namespace covary
