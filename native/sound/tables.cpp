// The roots of unity behind the transforms. Sines and cosines by polynomials in double precision: the system's own differ from
// machine to machine in their last digit.
#include <array>
#include <list>
#include <mutex>

#include "sound.hpp"

namespace covary {

namespace {

constexpr std::size_t kept_tables = 8;

// exp(-2 pi i k / n) for 0 <= k < n, both up to 2**40.
void root(std::int64_t k, std::int64_t n, double& real, double& imaginary) {
  // Eighths of a turn: the polynomials see angles up to pi / 4.
  const std::int64_t eighth = 8 * k / n;
  const bool odd = eighth % 2 != 0;
  const std::int64_t beyond = 8 * k - eighth * n;
  const double x = 0.78539816339744830962 * static_cast<double>(odd ? n - beyond : beyond) / static_cast<double>(n);
  const double y = x * x;
  double sine = 1.0, cosine = 1.0;
  for (int term = 19; term > 1; term -= 2) sine = 1.0 - y / (term * (term - 1)) * sine;
  for (int term = 20; term > 1; term -= 2) cosine = 1.0 - y / (term * (term - 1)) * cosine;
  sine *= x;
  // About the nearest quarter turn below (even eighths) or above (odd ones).
  const std::int64_t quarter = (eighth + 1) / 2 % 4;
  const double c = cosine, s = odd ? -sine : sine;
  const double cosines[4] = {c, -s, -c, s}, sines[4] = {s, c, -s, -c};
  real = cosines[quarter];
  imaginary = -sines[quarter];
}

std::shared_ptr<const Tables> made_tables(std::int64_t size) {
  auto made = std::make_shared<Tables>();
  const std::int64_t rows = size / 8;
  made->rows = rows;
  std::int64_t butterflies = 0;
  for (std::int64_t length = rows; length >= 4; length /= 4) butterflies += length / 4;
  made->columns.reset(new float[static_cast<std::size_t>(6 * butterflies + 1)]);
  float* column = made->columns.get();
  for (std::int64_t length = rows; length >= 4; length /= 4) {
    for (std::int64_t j = 0; j < length / 4; ++j) {
      for (int power = 1; power <= 3; ++power) {
        double real, imaginary;
        root(power * j, length, real, imaginary);
        *column++ = static_cast<float>(real);
        *column++ = static_cast<float>(imaginary);
      }
    }
  }
  // The order in which transforms by fours leave the frequencies.
  made->frequency.reset(new std::int32_t[static_cast<std::size_t>(rows)]);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t place = row, length = rows, frequency = 0, step = 1;
    for (; length >= 4; length /= 4, step *= 4) {
      frequency += place / (length / 4) * step;
      place %= length / 4;
    }
    made->frequency[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(frequency + place * step);
  }
  made->lanes.reset(new float[static_cast<std::size_t>(2 * size)]);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* eight = made->lanes.get() + row / 8 * 128 + row % 8;
    for (std::int64_t lane = 0; lane < 8; ++lane) {
      double real, imaginary;
      root(lane * made->frequency[static_cast<std::size_t>(row)], size, real, imaginary);
      eight[lane * 8] = static_cast<float>(real);
      eight[64 + lane * 8] = static_cast<float>(imaginary);
    }
  }
  return made;
}

}  // namespace

std::shared_ptr<const Tables> tables_of(std::int64_t size) {
  static std::mutex lock;
  static auto* kept = new std::list<std::pair<std::int64_t, std::shared_ptr<const Tables>>>;  // last used first
  {
    const std::lock_guard<std::mutex> guard(lock);
    for (auto it = kept->begin(); it != kept->end(); ++it) {
      if (it->first != size) continue;
      kept->splice(kept->begin(), *kept, it);
      return it->second;
    }
  }
  auto made = made_tables(size);
  const std::lock_guard<std::mutex> guard(lock);
  kept->emplace_front(size, made);
  if (kept->size() > kept_tables) kept->pop_back();
  return made;
}

}  // namespace covary
