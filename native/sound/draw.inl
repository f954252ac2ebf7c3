// Sounds drawn in one go, see draw.hpp. Compiled once per instruction set into its own namespace, with equal bits.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "../blocks.hpp"
#include "draw.hpp"

// Of a loop whose input and output are the same array or have nothing in common.
#if defined(__clang__)
#define COVARY_EACH_BY_ITSELF _Pragma("clang loop vectorize(assume_safety)")
#else
#define COVARY_EACH_BY_ITSELF _Pragma("GCC ivdep")
#endif

namespace covary {
namespace COVARY_ENGINE {

namespace {

constexpr std::int64_t chunk = 4096;  // samples that stay in the fastest cache from step to step
constexpr std::int32_t not_finite = 0x7f800000;

// The rows of a sound on its way.
struct Rows {
  const float* data;
  std::int64_t length, step;
};

// The largest magnitude so far, as the bits of a float: infinities and NaN are the largest of all.
struct Worst {
  std::int32_t bits = 0;

  void join(std::int32_t other) { bits = std::max(bits, other); }
  bool finite() const { return bits < not_finite; }
  float magnitude() const {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
};

inline std::int32_t magnitude_bits(float value) {
  std::int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x7fffffff;
}

Worst looked_at(const float* from, std::int64_t count) {
  std::int32_t worst = 0;
  for (std::int64_t at = 0; at < count; ++at) worst = std::max(worst, magnitude_bits(from[at]));
  return {worst};
}

// to[i] = value(from[i], i); `to` may be `from`.
template <bool look, class Value>
Worst mapped(const float* from, float* to, std::int64_t count, Value value) {
  std::int32_t worst = 0;
  COVARY_EACH_BY_ITSELF
  for (std::int64_t at = 0; at < count; ++at) {
    const float x = from[at];
    if (look) worst = std::max(worst, magnitude_bits(x));
    to[at] = value(x, at);
  }
  return {worst};
}

Worst copied(const float* from, float* to, std::int64_t count) {
  return mapped<true>(from, to, count, [](float x, std::int64_t) { return x; });
}

// to[i] = last[-i]
Worst reversed(const float* last, float* to, std::int64_t count) {
  std::int32_t worst = 0;
  const float* from = last - count + 1;
  COVARY_EACH_BY_ITSELF
  for (std::int64_t at = 0; at < count; ++at) {
    const float x = from[count - 1 - at];
    worst = std::max(worst, magnitude_bits(x));
    to[at] = x;
  }
  return {worst};
}

// Whole samples out0 to out1 from in0 to in1, backwards where in1 is below in0.
struct Piece {
  std::int64_t out0, out1, in0, in1;

  bool forwards() const { return in1 >= in0; }
  std::int64_t count() const { return out1 - out0; }
  std::int64_t low() const { return std::min(in0, in1); }
  std::int64_t high() const { return std::max(in0, in1); }
};

// Without what lies outside the source or the output, and without those of which nothing is left.
std::vector<Piece> fitting(const SoundPass& cut, std::int64_t source) {
  std::vector<Piece> pieces;
  pieces.reserve(static_cast<std::size_t>(cut.count));
  for (std::int64_t k = 0; k < cut.count; ++k) {
    std::array<std::int64_t, 4> p;
    for (std::size_t i = 0; i < 4; ++i) p[i] = static_cast<std::int64_t>(std::nearbyint(cut.knots[4 * k + static_cast<std::int64_t>(i)]));
    const bool forwards = p[3] >= p[2];
    const std::int64_t early = std::max({std::int64_t{0}, -p[0], forwards ? -p[2] : p[2] - source});
    const std::int64_t late = std::max({std::int64_t{0}, p[1] - cut.length, forwards ? p[3] - source : -p[3]});
    const std::int64_t way = forwards ? 1 : -1;
    const Piece piece{p[0] + early, p[1] - late, p[2] + way * early, p[3] - way * late};
    if (piece.out1 > piece.out0) pieces.push_back(piece);
  }
  return pieces;
}

Worst put(const float* from, float* to, const Piece& piece) {
  if (piece.forwards()) return copied(from + piece.in0, to + piece.out0, piece.count());
  return reversed(from + piece.in0 - 1, to + piece.out0, piece.count());
}

// A sample of what a piece plays on beyond its ends; silence outside the source.
float played(const float* from, std::int64_t length, const Piece& piece, std::int64_t out) {
  const std::int64_t place = piece.forwards() ? piece.in0 + (out - piece.out0) : piece.in0 - 1 - (out - piece.out0);
  return place >= 0 && place < length ? from[place] : 0.0f;
}

float risen(std::int64_t step, std::int64_t steps) {
  return static_cast<float>((static_cast<double>(step) + 0.5) / static_cast<double>(steps));
}

void cross(const float* from, std::int64_t length, float* to, const Piece& left, const Piece& right, std::int64_t fade) {
  const std::int64_t half = std::min({fade / 2, left.count(), right.count()});
  for (std::int64_t at = 0; at < 2 * half; ++at) {
    const std::int64_t out = right.out0 - half + at;
    const float up = risen(at, 2 * half);
    to[out] = played(from, length, left, out) * (1.0f - up) + played(from, length, right, out) * up;
  }
}

void ramp(float* to, const Piece& piece, std::int64_t fade, bool rising) {
  const std::int64_t count = std::min(fade, piece.count());
  for (std::int64_t at = 0; at < count; ++at) {
    if (rising)
      to[piece.out0 + at] *= risen(at, count);
    else
      to[piece.out1 - count + at] *= risen(count - 1 - at, count);
  }
}

void fade_edges(const float* from, std::int64_t length, float* to, const std::vector<Piece>& pieces, const SoundPass& cut) {
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    const Piece& piece = pieces[k];
    const Piece* before = k > 0 ? &pieces[k - 1] : nullptr;
    const Piece* behind = k + 1 < pieces.size() ? &pieces[k + 1] : nullptr;
    if (before != nullptr && before->out1 == piece.out0) {
      if (before->in1 != piece.in0 || (before->in1 > before->in0) != (piece.in1 > piece.in0)) cross(from, length, to, *before, piece, cut.fade);
    } else if (piece.out0 > 0) {
      ramp(to, piece, cut.fade, true);
    }
    if (piece.out1 < cut.length && (behind == nullptr || behind->out0 > piece.out1)) ramp(to, piece, cut.fade, false);
  }
}

// What no piece has looked at: cross-fades look beyond their edges.
Worst elsewhere(const float* from, std::int64_t length, std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.low() < b.low(); });
  Worst worst;
  std::int64_t done = 0;
  for (const Piece& piece : pieces) {
    if (piece.low() > done) worst.join(looked_at(from + done, piece.low() - done).bits);
    done = std::max(done, piece.high());
  }
  if (length > done) worst.join(looked_at(from + done, length - done).bits);
  return worst;
}

Worst cut(const Rows& rows, std::int64_t channels, const SoundPass& pass, float* out) {
  std::vector<Piece> pieces = fitting(pass, rows.length);
  std::vector<Piece> sorted = pieces;
  std::sort(sorted.begin(), sorted.end(), [](const Piece& a, const Piece& b) {
    return std::array<std::int64_t, 4>{a.out0, a.out1, a.in0, a.in1} < std::array<std::int64_t, 4>{b.out0, b.out1, b.in0, b.in1};
  });
  if (pass.fade > 0) pieces = sorted;
  Worst worst;
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const float* from = rows.data + channel * rows.step;
    float* to = out + channel * pass.length;
    std::int64_t done = 0;
    const auto silent = [&](std::int64_t until) {
      if (until > done) std::fill(to + done, to + until, 0.0f);
    };
    for (const Piece& piece : sorted) {
      silent(piece.out0);
      done = std::max(done, piece.out1);
    }
    silent(pass.length);
    for (const Piece& piece : pieces) worst.join(put(from, to, piece).bits);
    if (pass.fade > 0) {
      worst.join(elsewhere(from, rows.length, pieces).bits);
      fade_edges(from, rows.length, to, pieces, pass);
    }
  }
  return worst;
}

// Where an envelope's knot cuts the samples in two.
std::int64_t knot_sample(double position, std::int64_t length) {
  return static_cast<std::int64_t>(std::ceil(std::min(std::max(position, 0.0), static_cast<double>(length))));
}

template <bool look>
Worst enveloped(const SoundPass& pass, std::int64_t length, const float* from, float* to, std::int64_t start, std::int64_t stop) {
  Worst worst;
  for (std::int64_t k = 0; k <= pass.count; ++k) {
    constexpr double far = std::numeric_limits<double>::infinity();
    const double p0 = k == 0 ? -far : pass.knots[k - 1], p1 = k == pass.count ? far : pass.knots[k];
    const double v0 = pass.values[k == 0 ? 0 : k - 1], v1 = pass.values[k == pass.count ? k - 1 : k];
    const std::int64_t first = std::max(start, knot_sample(p0, length)), last = std::min(stop, knot_sample(p1, length));
    if (last <= first) continue;
    const float* source = from + (first - start);
    float* target = to + (first - start);
    if (v0 == v1) {
      const auto factor = static_cast<float>(v0);
      worst.join(mapped<look>(source, target, last - first, [=](float x, std::int64_t) { return x * factor; }).bits);
    } else {
      const double slope = (v1 - v0) / (p1 - p0);
      worst.join(mapped<look>(source, target, last - first, [=](float x, std::int64_t at) {
                   return x * static_cast<float>(v0 + (static_cast<double>(first + at) - p0) * slope);
                 }).bits);
    }
  }
  return worst;
}

// A step on samples `start` to `stop` of a row of `length`.
template <bool look>
Worst stepped(const SoundPass& pass, std::int64_t length, const float* from, float* to, std::int64_t start, std::int64_t stop) {
  const std::int64_t count = stop - start;
  switch (pass.kind) {
    case SoundStep::envelope: return enveloped<look>(pass, length, from, to, start, stop);
    case SoundStep::clamp: {
      const auto low = static_cast<float>(pass.first), high = static_cast<float>(pass.second);
      return mapped<look>(from, to, count, [=](float x, std::int64_t) {
        const float above = x < low ? low : x;
        return above > high ? high : above;
      });
    }
    case SoundStep::quantise: {
      // A value within 2**23 is rounded by adding and taking away 2**23; beyond it is clipped in any case.
      const auto half = static_cast<float>(pass.first);
      const float most = half - 1, back = 1 / half;
      return mapped<look>(from, to, count, [=](float x, std::int64_t) {
        const float level = x * half;
        const float whole = std::copysign((std::abs(level) + 8388608.0f) - 8388608.0f, level);
        const float above = whole < -half ? -half : whole;
        return (above > most ? most : above) * back;
      });
    }
    default: {
      const auto factor = static_cast<float>(pass.first);
      return mapped<look>(from, to, count, [=](float x, std::int64_t) { return x * factor; });
    }
  }
}

// The gain that brings a measured peak to its level.
double levelling(float peak, const SoundPass& pass) {
  if (!(peak > 0)) return 1.0;
  const double now = 20 * std::log10(static_cast<double>(peak));
  if (!std::isfinite(now) || (pass.second != 0 && now <= pass.first)) return 1.0;
  // Not a constant: a compiler might take another function for powers of ten, with other last digits.
  const volatile double ten = 10.0;
  return std::pow(ten, (pass.first - now) / 20);
}

// Memory for what stands between two steps.
class Between {
 public:
  Between() = default;
  Between(const Between&) = delete;
  Between& operator=(const Between&) = delete;
  ~Between() { free(); }
  float* of(std::int64_t floats) {
    free();
    block_ = take_block(static_cast<std::size_t>(std::max<std::int64_t>(floats, 1)) * sizeof(float));
    return static_cast<float*>(block_);
  }
  void swap(Between& other) { std::swap(block_, other.block_); }

 private:
  void free() {
    if (block_ != nullptr) return_block(block_);
    block_ = nullptr;
  }
  void* block_ = nullptr;
};

// A job on float32.
bool draw_floats(const SoundJob& job) {
  const std::size_t count = job.passes.size();
  std::size_t behind_cuts = count;  // the first pass behind all cuts
  while (behind_cuts > 0 && job.passes[behind_cuts - 1].kind != SoundStep::cut) --behind_cuts;

  Between held, next;
  auto* const out = static_cast<float*>(job.out);
  Rows now{static_cast<const float*>(job.wave), job.length, job.wave_step};
  float* own = nullptr;  // the same rows, where they are ours to change
  bool looked = false;
  std::size_t at = 0;
  do {
    if (at < count && job.passes[at].kind == SoundStep::cut) {
      const SoundPass& pass = job.passes[at];
      own = at + 1 == behind_cuts ? out : next.of(job.channels * pass.length);
      if (!cut(now, job.channels, pass, own).finite() && !looked) return false;
      held.swap(next);
      now = {own, pass.length, pass.length};
      looked = true;
      ++at;
      continue;
    }
    // A run of steps on single values; one that measures can only be the first of its run.
    std::vector<SoundPass> run;
    for (; at < count && job.passes[at].kind != SoundStep::cut; ++at) {
      SoundPass pass = job.passes[at];
      if (pass.kind == SoundStep::peak) {
        if (!run.empty()) break;
        Worst worst;
        for (std::int64_t channel = 0; channel < job.channels; ++channel) worst.join(looked_at(now.data + channel * now.step, now.length).bits);
        if (!looked && !worst.finite()) return false;
        looked = true;
        pass.kind = SoundStep::gain;
        pass.first = levelling(worst.magnitude(), pass);
      }
      run.push_back(pass);
    }
    if (own == nullptr) own = behind_cuts == 0 ? out : held.of(job.channels * now.length);
    Worst worst;
    for (std::int64_t channel = 0; channel < job.channels; ++channel) {
      for (std::int64_t start = 0; start < now.length; start += chunk) {
        const std::int64_t stop = std::min(start + chunk, now.length);
        const float* from = now.data + channel * now.step + start;
        float* to = own + channel * now.length + start;
        if (run.empty()) worst.join(copied(from, to, stop - start).bits);
        for (std::size_t k = 0; k < run.size(); ++k) {
          if (k == 0 && !looked)
            worst.join(stepped<true>(run[k], now.length, from, to, start, stop).bits);
          else
            stepped<false>(run[k], now.length, k == 0 ? from : to, to, start, stop);
        }
      }
    }
    if (!looked && !worst.finite()) return false;
    looked = true;
    now = {own, now.length, now.length};
  } while (at < count);
  return true;
}

// Integers times a power of two, as float32.
template <class From>
void to_floats(const SoundJob& job, float scale, float* to) {
  for (std::int64_t channel = 0; channel < job.channels; ++channel) {
    const From* from = static_cast<const From*>(job.wave) + channel * job.wave_step;
    for (std::int64_t at = 0; at < job.length; ++at) to[channel * job.length + at] = static_cast<float>(from[at]) * scale;
  }
}

// Rounded to nearest, ties to even, and clipped. `Wide` holds every value of `To`.
template <class Wide, class To>
void to_integers(const float* from, std::int64_t count, To* to) {
  constexpr auto low = static_cast<Wide>(std::numeric_limits<To>::min()), high = static_cast<Wide>(std::numeric_limits<To>::max());
  for (std::int64_t at = 0; at < count; ++at) {
    const Wide level = std::nearbyint(static_cast<Wide>(from[at]) * -low);
    const Wide above = level < low ? low : level;
    to[at] = above < high ? static_cast<To>(above) : static_cast<To>(high);
  }
}

}  // namespace

bool draw(const SoundJob& job) {
  if (job.element == SoundElement::f32) return draw_floats(job);
  Between given, made;
  float* from = given.of(job.channels * job.length);
  SoundJob inner = job;
  inner.wave = from;
  inner.wave_step = job.length;
  float* to = made.of(job.channels * job.out_length);
  inner.out = to;
  switch (job.element) {
    case SoundElement::i16: to_floats<std::int16_t>(job, 0x1p-15f, from); break;
    case SoundElement::i32: to_floats<std::int32_t>(job, 0x1p-31f, from); break;
    default: to_floats<double>(job, 1.0f, from);
  }
  if (!draw_floats(inner)) return false;
  const std::int64_t count = job.channels * job.out_length;
  switch (job.element) {
    case SoundElement::i16: to_integers<float>(to, count, static_cast<std::int16_t*>(job.out)); break;
    case SoundElement::i32: to_integers<double>(to, count, static_cast<std::int32_t*>(job.out)); break;
    default: std::copy(to, to + count, static_cast<double*>(job.out));
  }
  return true;
}

}  // namespace COVARY_ENGINE
}  // namespace covary
