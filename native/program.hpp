// What a render call asks for, as plain data: parsed under the GIL, then read by any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace covary {

// raw1 to raw8 are elements that are only ever copied (masks of any type), named by their bytes.
enum class Element : std::uint8_t { u8, u16, f32, raw1, raw2, raw4, raw8 };
enum class Border : std::uint8_t { constant, edge, reflect, symmetric, wrap };
enum class Interpolation : std::uint8_t { nearest, linear, cubic };

inline std::int64_t element_size(Element element) {
  switch (element) {
    case Element::u8:
    case Element::raw1:
      return 1;
    case Element::u16:
    case Element::raw2:
      return 2;
    case Element::f32:
    case Element::raw4:
      return 4;
    default:
      return 8;
  }
}

struct Picture {
  std::uint8_t* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  Element element = Element::u8;
  bool planar = false;  // CHW; otherwise HWC
  bool streamed = false;  // written past the caches, which so much could not keep anyway

  std::int64_t pixel_size() const { return channels * element_size(element); }
  std::int64_t row_size() const { return width * pixel_size(); }
  std::int64_t bytes() const { return height * row_size(); }
};

struct Grid {
  const float* knots = nullptr;  // (rows, columns, 2) of a displacement, (rows, columns, 2, channels) of a shade
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t channels = 0;
};

// A warp (matrix and size) or a displacement (grids); one entry of each array per sample.
struct Coordinate {
  bool warp = false;
  std::vector<double> matrix;      // B * 9
  std::vector<std::int64_t> size;  // B * 2
  std::vector<Grid> grids;         // B
};

struct Filter {
  enum class Kind : std::uint8_t { none, separable, full } kind = Kind::none;
  std::int64_t taps_y = 0;
  std::int64_t taps_x = 0;
  std::vector<double> y;     // B * taps_y
  std::vector<double> x;     // B * taps_x
  std::vector<double> full;  // B * taps_y * taps_x
};

struct Value {
  enum class Kind : std::uint8_t { colour, curve, shade, gaussian, signal, impulses, erase, fill } kind = Kind::fill;
  std::vector<std::uint8_t> active;  // B, or empty: every sample
  std::vector<double> matrix;        // colour: B * C * (C + 1)
  std::vector<double> pivot;         // colour: B * C, or empty
  std::vector<const float*> tables;  // curve: B, each of table_channels * table_length
  std::int64_t table_channels = 0;
  std::int64_t table_length = 0;
  std::vector<Grid> shades;           // shade: B
  enum class Model : std::uint8_t { additive, magnitude, counts } model = Model::additive;  // signal
  std::vector<double> variance, slope, gain;                                                // signal: B each
  const float* law = nullptr;                                                               // signal: B * 6 * 16, or null
  std::vector<double> scale;          // gaussian: B
  std::vector<double> mean;           // gaussian: B
  std::vector<double> amount;         // impulses: B
  std::vector<double> salt;           // impulses: B
  std::vector<std::uint64_t> stream;  // gaussian, signal, impulses, erase with noise: B
  bool per_channel = true;
  std::vector<std::int64_t> rectangles;  // erase: B * rectangles_per_sample * 4
  std::int64_t rectangles_per_sample = 0;
  std::vector<std::int64_t> count;  // erase: B
  bool noise = false;               // erase, impulses: noise in place of a colour
  std::vector<double> colour;       // fill, erase, impulses: B * C
};

struct Stage {
  std::vector<std::int64_t> size;  // B * 2
  std::vector<Coordinate> coordinates;
  Border border = Border::edge;
  Interpolation interpolation = Interpolation::linear;
  std::vector<std::int64_t> levels;  // B * 2 (x, y), or empty
  Filter filter;
  std::vector<Value> values;
  bool as_float = false;
  bool planar = false;
};

// `limits` gives the range and rounding of a raw element when it is painted with a fill colour.
struct RawType {
  double low = 0;
  double high = 0;
  bool floating = false;
  bool truth = false;
  bool is_signed = false;
};

struct Program {
  std::vector<Stage> stages;
  std::vector<Picture> sources;
  std::vector<Picture> outputs;
  RawType raw;
  const float* gaussian_table = nullptr;  // 3 x 16 coefficients, needed by gaussian steps alone
};

// Memory that one thread reuses from sample to sample and from call to call.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  enum Slot : std::uint8_t { picture_a, picture_b, level, relayout, level_row, row, coverage, temporary, cache, slots };

  // At least `bytes` bytes, 64-byte aligned; what the slot held before is lost.
  void* get(Slot slot, std::size_t bytes);
  // Small pieces that live until `rewind`.
  void* piece(std::size_t bytes);
  void rewind();
  // Give back what is larger than worth keeping.
  void trim();

 private:
  struct Block {
    void* data = nullptr;
    std::size_t size = 0;
  };
  Block blocks_[slots];
  std::vector<Block> pieces_;
  std::size_t piece_index_ = 0;
  std::size_t piece_used_ = 0;
};

// One sample through all stages, in either instruction set.
namespace portable {
void render_sample(const Program& program, std::int64_t sample, Scratch& scratch);
}
namespace avx2 {
void render_sample(const Program& program, std::int64_t sample, Scratch& scratch);
}

bool has_avx2();

// Runs `work`, which must not throw, here and on up to `helpers` further threads; returns when all of them are done.
void share_out(const std::function<void()>& work, std::int64_t helpers);

// All samples. An exception of a worker (out of memory) is thrown again here.
void render(const Program& program, int threads, bool simd);

}  // namespace covary
