// Compiled once per instruction set into its own namespace. Four or eight values at a time are worked on by the compiler's own
// vectors, which are the same arithmetic on every machine.
#include <algorithm>
#include <cstring>
#include <limits>

#include "../blocks.hpp"
#include "sound.hpp"

namespace covary {
namespace COVARY_ENGINE {

namespace {

// As many values as a register holds; a row of eight is one or two of them.
#if defined(__AVX__)
typedef float Some __attribute__((vector_size(32)));
#else
typedef float Some __attribute__((vector_size(16)));
#endif
constexpr int width = sizeof(Some) / sizeof(float), parts = 8 / width;

#define COVARY_ALWAYS inline __attribute__((always_inline))

// Memory for the time of a call.
class Room {
 public:
  explicit Room(std::int64_t floats) : block_(take_block(static_cast<std::size_t>(floats) * sizeof(float))) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { return_block(block_); }
  float* data() const { return static_cast<float*>(block_); }

 private:
  void* block_;
};

// A transform of size N = 8 M stands in memory as M rows of eight neighbours, real parts and imaginary parts apart. Columns of
// rows are transformed first, by fours and in place, which leaves their frequencies in an order of their own (`frequency`);
// then each row is turned by its roots and transformed in itself. Nothing has to be put in order, as the way back begins
// where the way there ends.

// Transforms rows [0, length), `twiddles` being those of this length.
void there(Some* re, Some* im, std::int64_t length, const float* twiddles) {
  if (length < 4) {
    for (int j = 0; length == 2 && j < parts; ++j) {
      const Some r = re[j] - re[j + parts], i = im[j] - im[j + parts];
      re[j] += re[j + parts];
      im[j] += im[j + parts];
      re[j + parts] = r;
      im[j + parts] = i;
    }
    return;
  }
  const std::int64_t quarter = length / 4 * parts;
  const float* w = twiddles;
  for (std::int64_t j = 0; j < quarter; ++j, w += j % parts == 0 ? 6 : 0) {
    const Some ar = re[j], br = re[j + quarter], cr = re[j + 2 * quarter], dr = re[j + 3 * quarter];
    const Some ai = im[j], bi = im[j + quarter], ci = im[j + 2 * quarter], di = im[j + 3 * quarter];
    const Some s0r = ar + cr, s0i = ai + ci, s1r = ar - cr, s1i = ai - ci;
    const Some s2r = br + dr, s2i = bi + di, s3r = bi - di, s3i = dr - br;
    re[j] = s0r + s2r;
    im[j] = s0i + s2i;
    const Some y1r = s1r + s3r, y1i = s1i + s3i, y2r = s0r - s2r, y2i = s0i - s2i, y3r = s1r - s3r, y3i = s1i - s3i;
    re[j + quarter] = y1r * w[0] - y1i * w[1];
    im[j + quarter] = y1r * w[1] + y1i * w[0];
    re[j + 2 * quarter] = y2r * w[2] - y2i * w[3];
    im[j + 2 * quarter] = y2r * w[3] + y2i * w[2];
    re[j + 3 * quarter] = y3r * w[4] - y3i * w[5];
    im[j + 3 * quarter] = y3r * w[5] + y3i * w[4];
  }
  for (int part = 0; part < 4; ++part) there(re + part * quarter, im + part * quarter, length / 4, w);
}

// The way back, but for a factor of the length.
void back(Some* re, Some* im, std::int64_t length, const float* twiddles) {
  if (length < 4) {
    there(re, im, length, twiddles);
    return;
  }
  const std::int64_t quarter = length / 4 * parts;
  for (int part = 0; part < 4; ++part)
    back(re + part * quarter, im + part * quarter, length / 4, twiddles + 6 * (length / 4));
  const float* w = twiddles;
  for (std::int64_t j = 0; j < quarter; ++j, w += j % parts == 0 ? 6 : 0) {
    const Some y0r = re[j], y1r = re[j + quarter], y2r = re[j + 2 * quarter], y3r = re[j + 3 * quarter];
    const Some y0i = im[j], y1i = im[j + quarter], y2i = im[j + 2 * quarter], y3i = im[j + 3 * quarter];
    const Some u1r = y1r * w[0] + y1i * w[1], u1i = y1i * w[0] - y1r * w[1];
    const Some u2r = y2r * w[2] + y2i * w[3], u2i = y2i * w[2] - y2r * w[3];
    const Some u3r = y3r * w[4] + y3i * w[5], u3i = y3i * w[4] - y3r * w[5];
    const Some s0r = y0r + u2r, s0i = y0i + u2i, s2r = y0r - u2r, s2i = y0i - u2i;
    const Some s1r = u1r + u3r, s1i = u1i + u3i, s3r = u3i - u1i, s3i = u1r - u3r;
    re[j] = s0r + s1r;
    im[j] = s0i + s1i;
    re[j + quarter] = s2r + s3r;
    im[j + quarter] = s2i + s3i;
    re[j + 2 * quarter] = s0r - s1r;
    im[j + 2 * quarter] = s0i - s1i;
    re[j + 3 * quarter] = s2r - s3r;
    im[j + 3 * quarter] = s2i - s3i;
  }
}

#define COVARY_PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

// Some rows of eight, turned over: value l of row r becomes value r of row l. Rows are given one after the other, in parts;
// they come out as `out[part][row]`.
#if defined(__AVX__)
COVARY_ALWAYS void transpose(const Some* rows, Some (*out)[8]) {
  Some t[8], u[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = COVARY_PICK(rows[2 * i], rows[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[2 * i + 1] = COVARY_PICK(rows[2 * i], rows[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 2; ++i) {
      u[4 * half + 2 * i] = COVARY_PICK(t[4 * half + i], t[4 * half + 2 + i], 0, 1, 8, 9, 4, 5, 12, 13);
      u[4 * half + 2 * i + 1] = COVARY_PICK(t[4 * half + i], t[4 * half + 2 + i], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; ++i) {
    out[0][i] = COVARY_PICK(u[i], u[4 + i], 0, 1, 2, 3, 8, 9, 10, 11);
    out[0][4 + i] = COVARY_PICK(u[i], u[4 + i], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
#else
COVARY_ALWAYS void transpose(const Some* rows, Some (*out)[8]) {
  // As four squares of four by four.
  for (int down = 0; down < 2; ++down) {
    for (int across = 0; across < 2; ++across) {
      const Some *first = rows + 8 * down + across, a = first[0], b = first[2], c = first[4], d = first[6];
      const Some ab = COVARY_PICK(a, b, 0, 4, 1, 5), cd = COVARY_PICK(c, d, 0, 4, 1, 5);
      const Some ab_high = COVARY_PICK(a, b, 2, 6, 3, 7), cd_high = COVARY_PICK(c, d, 2, 6, 3, 7);
      out[down][4 * across] = COVARY_PICK(ab, cd, 0, 1, 4, 5);
      out[down][4 * across + 1] = COVARY_PICK(ab, cd, 2, 3, 6, 7);
      out[down][4 * across + 2] = COVARY_PICK(ab_high, cd_high, 0, 1, 4, 5);
      out[down][4 * across + 3] = COVARY_PICK(ab_high, cd_high, 2, 3, 6, 7);
    }
  }
}
#endif

// The way back, from `in[part][row]` to rows one after the other.
COVARY_ALWAYS void transpose_back(const Some (*in)[8], Some* rows) {
  Some joined[8 * parts], turned[parts][8];
  for (int row = 0; row < 8; ++row)
    for (int part = 0; part < parts; ++part) joined[row * parts + part] = in[part][row];
  transpose(joined, turned);
  for (int row = 0; row < 8; ++row)
    for (int part = 0; part < parts; ++part) rows[row * parts + part] = turned[part][row];
}

// Four of the eight, from `first` in steps of two.
COVARY_ALWAYS void four(const Some* re, const Some* im, int first, Some* out_re, Some* out_im) {
  const Some ar = re[first], br = re[first + 2], cr = re[first + 4], dr = re[first + 6];
  const Some ai = im[first], bi = im[first + 2], ci = im[first + 4], di = im[first + 6];
  const Some s0r = ar + cr, s0i = ai + ci, s1r = ar - cr, s1i = ai - ci;
  const Some s2r = br + dr, s2i = bi + di, s3r = bi - di, s3i = dr - br;
  out_re[0] = s0r + s2r;
  out_im[0] = s0i + s2i;
  out_re[1] = s1r + s3r;
  out_im[1] = s1i + s3i;
  out_re[2] = s0r - s2r;
  out_im[2] = s0i - s2i;
  out_re[3] = s1r - s3r;
  out_im[3] = s1i - s3i;
}

// Some points, each lane for itself. With the two parts exchanged it is the way back, but for a factor of eight.
COVARY_ALWAYS void eight_points(Some* re, Some* im) {
  Some er[4], ei[4], odd_r[4], odd_i[4];
  four(re, im, 0, er, ei);
  four(re, im, 1, odd_r, odd_i);
  const float half = 0.70710678118654752440f;
  const Some o1r = (odd_r[1] + odd_i[1]) * half, o1i = (odd_i[1] - odd_r[1]) * half;
  const Some o2r = odd_i[2], o2i = -odd_r[2];
  const Some o3r = (odd_i[3] - odd_r[3]) * half, o3i = -(odd_r[3] + odd_i[3]) * half;
  re[0] = er[0] + odd_r[0];
  im[0] = ei[0] + odd_i[0];
  re[4] = er[0] - odd_r[0];
  im[4] = ei[0] - odd_i[0];
  re[1] = er[1] + o1r;
  im[1] = ei[1] + o1i;
  re[5] = er[1] - o1r;
  im[5] = ei[1] - o1i;
  re[2] = er[2] + o2r;
  im[2] = ei[2] + o2i;
  re[6] = er[2] - o2r;
  im[6] = ei[2] - o2i;
  re[3] = er[3] + o3r;
  im[3] = ei[3] + o3i;
  re[7] = er[3] - o3r;
  im[7] = ei[3] - o3i;
}

// The rows' own transforms there, the response, and the way back.
template <bool complex>
void respond(Some* re, Some* im, const Tables& tables, const float* placed) {
  const float *lanes = tables.lanes.get(), *response = placed;
  const auto loaded = [](const float* from) {
    Some values;
    std::memcpy(&values, from, sizeof values);
    return values;
  };
  for (std::int64_t row = 0; row < tables.rows; row += 8, lanes += 128, response += complex ? 128 : 64) {
    Some all_re[parts][8], all_im[parts][8];
    transpose(re + row * parts, all_re);
    transpose(im + row * parts, all_im);
    for (int part = 0; part < parts; ++part) {
      Some *r = all_re[part], *i = all_im[part];
      const float *own_lanes = lanes + part * width, *own_response = response + part * width;
      for (int k = 1; k < 8; ++k) {
        const Some wr = loaded(own_lanes + 8 * k), wi = loaded(own_lanes + 64 + 8 * k);
        const Some turned = r[k] * wr - i[k] * wi;
        i[k] = r[k] * wi + i[k] * wr;
        r[k] = turned;
      }
      eight_points(r, i);
      for (int k = 0; k < 8; ++k) {
        const Some hr = loaded(own_response + 8 * k);
        if (complex) {
          const Some hi = loaded(own_response + 64 + 8 * k);
          const Some changed = r[k] * hr - i[k] * hi;
          i[k] = r[k] * hi + i[k] * hr;
          r[k] = changed;
        } else {
          r[k] *= hr;
          i[k] *= hr;
        }
      }
      eight_points(i, r);
      for (int k = 1; k < 8; ++k) {
        const Some wr = loaded(own_lanes + 8 * k), wi = loaded(own_lanes + 64 + 8 * k);
        const Some turned = r[k] * wr + i[k] * wi;
        i[k] = i[k] * wr - r[k] * wi;
        r[k] = turned;
      }
    }
    transpose_back(all_re, re + row * parts);
    transpose_back(all_im, im + row * parts);
  }
}

// A response at the bins of a real transform, at all bins in the order that `respond` meets them, with the factor that the two
// ways leave.
void place(const float* response, bool complex, std::int64_t size, const Tables& tables, float* placed) {
  const float scale = 1.0f / static_cast<float>(size);
  for (std::int64_t row = 0; row < tables.rows; ++row) {
    float* eight = placed + row / 8 * (complex ? 128 : 64) + row % 8;
    for (std::int64_t part = 0; part < 8; ++part) {
      const std::int64_t bin = tables.frequency[static_cast<std::size_t>(row)] + part * tables.rows;
      const std::int64_t there_is = bin <= size / 2 ? bin : size - bin;
      if (complex) {
        eight[part * 8] = response[2 * there_is] * scale;
        // What stands at 0 and in the middle is real for real impulse responses.
        const float other = there_is == 0 || 2 * there_is == size ? 0.0f : response[2 * there_is + 1] * scale;
        eight[64 + part * 8] = bin == there_is ? other : -other;
      } else {
        eight[part * 8] = response[there_is] * scale;
      }
    }
  }
}

// `size` samples of a sound from `start` on, silence beyond its ends. Whether any of them sounds.
bool fetch(const float* wave, std::int64_t length, std::int64_t start, std::int64_t size, float* out) {
  const std::int64_t first = std::clamp<std::int64_t>(-start, 0, size), last = std::clamp<std::int64_t>(length - start, first, size);
  std::memset(out, 0, static_cast<std::size_t>(first) * sizeof(float));
  if (last > first) std::memcpy(out + first, wave + start + first, static_cast<std::size_t>(last - first) * sizeof(float));
  std::memset(out + last, 0, static_cast<std::size_t>(size - last) * sizeof(float));
  for (std::int64_t at = first; at < last; ++at)
    if (out[at] != 0.0f) return true;
  return false;
}

}  // namespace

// Two blocks at a time: one as the real part and one as the imaginary part of what is transformed. A real impulse response
// keeps them apart.
void convolve(const Convolution& job, const Tables& tables) {
  const std::int64_t size = job.size, blocks = (job.length + job.hop - 1) / job.hop, total = blocks * job.channels;
  const Room memory(2 * size), placed((job.complex ? 2 : 1) * size);
  auto* re = reinterpret_cast<Some*>(memory.data());
  auto* im = reinterpret_cast<Some*>(memory.data() + size);
  std::int64_t responding = -1;
  for (std::int64_t number = 0; number < total;) {
    const std::int64_t channel = number / blocks, of = job.one_response ? 0 : channel;
    if (responding != of) {
      place(job.response + of * (job.complex ? 2 : 1) * (size / 2 + 1), job.complex, size, tables, placed.data());
      responding = of;
    }
    std::int64_t pair = number + 1 < total && (job.one_response || (number + 1) / blocks == channel) ? 2 : 1;
    bool sounds[2] = {false, false};
    for (std::int64_t k = 0; k < pair; ++k) {
      const std::int64_t which = number + k;
      sounds[k] = fetch(job.wave + which / blocks * job.wave_step, job.length, which % blocks * job.hop - job.behind, size,
                        memory.data() + k * size);
    }
    if (pair == 1) std::memset(memory.data() + size, 0, static_cast<std::size_t>(size) * sizeof(float));
    if (sounds[0] || sounds[1]) {
      there(re, im, tables.rows, tables.columns.get());
      if (job.complex)
        respond<true>(re, im, tables, placed.data());
      else
        respond<false>(re, im, tables, placed.data());
      back(re, im, tables.rows, tables.columns.get());
    }
    for (std::int64_t k = 0; k < pair; ++k) {
      const std::int64_t which = number + k, start = which % blocks * job.hop;
      const auto count = static_cast<std::size_t>(std::min(job.hop, job.length - start)) * sizeof(float);
      float* out = job.out + which / blocks * job.length + start;
      // Silence stays silent, whatever the other block's rounding leaves in it.
      if (sounds[k])
        std::memcpy(out, memory.data() + k * size + job.behind, count);
      else
        std::memset(out, 0, count);
    }
    number += pair;
  }
}

// The squared magnitude of a cascade, in powers of the squared sine of half the frequency.
void power_of(const Sections& sections, const float* half_sines, std::int64_t bins, float* out) {
  std::fill(out, out + bins, 1.0f);
  for (std::int64_t section = 0; section < sections.count; ++section) {
    const double* n = sections.numbers + 6 * section;
    float c[6];
    for (int half = 0; half < 2; ++half, n += 3) {
      c[3 * half] = static_cast<float>(16 * n[0] * n[2]);
      c[3 * half + 1] = static_cast<float>(4 * (n[0] * n[1] + 4 * n[0] * n[2] + n[1] * n[2]));
      c[3 * half + 2] = static_cast<float>((n[0] + n[1] + n[2]) * (n[0] + n[1] + n[2]));
    }
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const float phi = half_sines[bin];
      const float above = (phi * c[0] - c[1]) * phi + c[2], below = (phi * c[3] - c[4]) * phi + c[5];
      out[bin] *= above / below;
    }
  }
}

// Infinities and NaN have all bits of the exponent.
bool all_finite(const float* values, std::int64_t count) {
  std::int64_t at = 0;
  for (; at < count;) {
    const std::int64_t stop = std::min<std::int64_t>(count, at + 4096);
    std::uint32_t worst = 0;
    for (; at < stop; ++at) {
      std::uint32_t bits;
      std::memcpy(&bits, values + at, sizeof bits);
      worst = std::max(worst, bits & 0x7fffffffu);
    }
    if (worst >= 0x7f800000u) return false;
  }
  return true;
}

bool all_finite(const double* values, std::int64_t count) {
  bool finite = true;
  for (std::int64_t at = 0; at < count; ++at) {
    std::uint64_t bits;
    std::memcpy(&bits, values + at, sizeof bits);
    finite &= (bits & 0x7ff0000000000000u) != 0x7ff0000000000000u;
  }
  return finite;
}

}  // namespace COVARY_ENGINE
}  // namespace covary
