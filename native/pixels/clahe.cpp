// Equalisation tile by tile with limited contrast, as OpenCV's createCLAHE has it: its numbers in its order.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

constexpr std::int64_t levels = 256;
constexpr float magic = 12582912.0F;  // adding 1.5 * 2**23 leaves no room for a fraction

// Place `i` of a line of `n` that goes on as its mirror image, the ends not repeated.
std::int64_t reflected(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1), place = i % period;
  return place < n ? place : period - place;
}

struct Tiles {
  std::int64_t rows, columns, height, width;
};

// Sizes that are no multiple of the tiles are continued beyond the picture, in both directions then.
Tiles tiles_of(std::int64_t height, std::int64_t width, std::int64_t rows, std::int64_t columns) {
  if (height % rows != 0 || width % columns != 0) {
    height += rows - height % rows;
    width += columns - width % columns;
  }
  return {rows, columns, height / rows, width / columns};
}

// What is above the limit is spread evenly; what is left over goes to every so many levels.
void limit(std::int32_t* counts, std::int32_t most) {
  std::int32_t above = 0;
  for (std::int64_t v = 0; v < levels; ++v) {
    above += std::max(counts[v] - most, 0);
    counts[v] = std::min(counts[v], most);
  }
  const auto each = above / static_cast<std::int32_t>(levels);
  std::int32_t left = above % static_cast<std::int32_t>(levels);
  for (std::int64_t v = 0; v < levels; ++v) counts[v] += each;
  if (left == 0) return;
  const std::int64_t step = std::max<std::int64_t>(levels / left, 1);
  for (std::int64_t v = 0; v < levels && left > 0; v += step, --left) ++counts[v];
}

// The most that a level of a tile may count.
std::int32_t most_of(const Tiles& tiles, double clip, std::int64_t depth) {
  const auto area = static_cast<double>(tiles.height * tiles.width);
  return std::max(static_cast<std::int32_t>(clip * area / static_cast<double>(depth)), 1);
}

// The table of each tile, its whole numbers as floats.
std::vector<float> tables_of(const Pixels<std::uint8_t>& picture, const Tiles& tiles, double clip) {
  const std::int64_t area = tiles.height * tiles.width;
  const float scale = static_cast<float>(levels - 1) / static_cast<float>(area);
  const std::int32_t most = most_of(tiles, clip, levels);
  std::vector<float> tables(static_cast<std::size_t>(tiles.rows * tiles.columns * levels));
  std::vector<std::int64_t> across(static_cast<std::size_t>(tiles.width));
  for (std::int64_t tile = 0; tile < tiles.rows * tiles.columns; ++tile) {
    const std::int64_t top = tile / tiles.columns * tiles.height, left = tile % tiles.columns * tiles.width;
    std::int32_t counts[4][levels] = {};
    for (std::int64_t x = 0; x < tiles.width; ++x)
      across[static_cast<std::size_t>(x)] = reflected(left + x, picture.width) * picture.channels;
    for (std::int64_t y = 0; y < tiles.height; ++y) {
      const std::uint8_t* row = picture.at(reflected(top + y, picture.height), 0);
      for (std::int64_t x = 0; x < tiles.width; ++x) ++counts[x % 4][row[across[static_cast<std::size_t>(x)]]];
    }
    for (std::int64_t v = 0; v < levels; ++v) counts[0][v] += counts[1][v] + counts[2][v] + counts[3][v];
    limit(counts[0], most);
    std::int32_t sum = 0;
    for (std::int64_t v = 0; v < levels; ++v) {
      sum += counts[0][v];
      const float share = (static_cast<float>(sum) * scale + magic) - magic;
      tables[static_cast<std::size_t>(tile * levels + v)] = std::min(share, static_cast<float>(levels - 1));
    }
  }
  return tables;
}

// Between the centres of which two tiles each place lies, and how far from the first to the second.
struct Between {
  std::int64_t first, second;
  float part;
};

std::vector<Between> between(std::int64_t n, std::int64_t side, std::int64_t tiles) {
  const float inverse = 1.0F / static_cast<float>(side);
  std::vector<Between> found(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const float place = static_cast<float>(i) * inverse - 0.5F;
    const auto first = static_cast<std::int64_t>(std::floor(place));
    found[static_cast<std::size_t>(i)] = {std::max<std::int64_t>(first, 0), std::min(first + 1, tiles - 1),
                                          place - static_cast<float>(first)};
  }
  return found;
}

// The first channel in place.
void equalise(const Pixels<std::uint8_t>& picture, const Tiles& tiles, double clip) {
  const std::vector<float> tables = tables_of(picture, tiles, clip);
  const std::vector<Between> down = between(picture.height, tiles.height, tiles.rows);
  const std::vector<Between> along = between(picture.width, tiles.width, tiles.columns);
  // For each two neighbouring columns of tiles and each level the entries of the four tiles around, side by side.
  const std::int64_t gaps = tiles.columns + 1;
  std::vector<float> around(static_cast<std::size_t>(gaps * levels * 4));
  std::vector<const float*> entries(along.size());
  for (std::size_t x = 0; x < along.size(); ++x) {
    const std::int64_t gap = along[x].first == along[x].second && along[x].first == 0 ? 0 : along[x].first + 1;
    entries[x] = around.data() + gap * levels * 4;
  }
  std::int64_t upper = -1, lower = -1;
  for (std::int64_t y = 0; y < picture.height; ++y) {
    const Between& at = down[static_cast<std::size_t>(y)];
    if (at.first != upper || at.second != lower) {
      upper = at.first, lower = at.second;
      for (std::int64_t gap = 0; gap < gaps; ++gap) {
        const std::int64_t left = std::max<std::int64_t>(gap - 1, 0), right = std::min(gap, tiles.columns - 1);
        const float* corners[4] = {
            tables.data() + (upper * tiles.columns + left) * levels, tables.data() + (upper * tiles.columns + right) * levels,
            tables.data() + (lower * tiles.columns + left) * levels, tables.data() + (lower * tiles.columns + right) * levels};
        float* to = around.data() + gap * levels * 4;
        for (std::int64_t v = 0; v < levels; ++v)
          for (int k = 0; k < 4; ++k) to[4 * v + k] = corners[k][v];
      }
    }
    const float below = at.part, above = 1.0F - below;
    std::uint8_t* row = picture.at(y, 0);
    for (std::int64_t x = 0; x < picture.width; ++x, row += picture.channels) {
      const float right = along[static_cast<std::size_t>(x)].part, left = 1.0F - right;
      const float* entry = entries[static_cast<std::size_t>(x)] + 4 * *row;
      const float made = (entry[0] * left + entry[1] * right) * above + (entry[2] * left + entry[3] * right) * below;
      *row = static_cast<std::uint8_t>(static_cast<std::int32_t>((made + magic) - magic));
    }
  }
}

constexpr std::int64_t deep_levels = 65536;

// The table of a tile of 16 bits by its counts, `each` added to them all; the counts are cleared for the next tile. Few
// levels occur in a tile: where none of a block does, the table stays as high as it is.
COVARY_CLONES void fill_table(std::int32_t* counts, std::int32_t each, float scale, std::uint16_t* table) {
  constexpr int block = 32;
  std::int32_t sum = 0;
  for (std::int64_t start = 0; start < deep_levels; start += block) {
    std::int32_t* own = counts + start;
    std::int32_t any = each;
    for (int i = 0; i < block; ++i) any |= own[i];
    std::int32_t up_to[block];
    if (any == 0)
      for (int i = 0; i < block; ++i) up_to[i] = sum;
    else
      for (int i = 0; i < block; ++i) {
        sum += own[i] + each;
        up_to[i] = sum;
      }
    for (int i = 0; i < block; ++i) own[i] = 0;
    for (int i = 0; i < block; ++i) {
      const float share = (static_cast<float>(up_to[i]) * scale + magic) - magic;
      table[start + i] = static_cast<std::uint16_t>(static_cast<std::int32_t>(std::min(share, 65535.0F)));
    }
  }
}

// The tables of a row of tiles. `counts` are zeros before and after.
void fill_tables(const Pixels<std::uint16_t>& picture, const Tiles& tiles, std::int64_t row, double clip,
                 std::int32_t* counts, std::uint16_t* tables) {
  const float scale = 65535.0F / static_cast<float>(tiles.height * tiles.width);
  const std::int32_t most = most_of(tiles, clip, deep_levels);
  std::vector<std::uint16_t> values(static_cast<std::size_t>(tiles.height * tiles.width));
  for (std::int64_t column = 0; column < tiles.columns; ++column) {
    auto value = values.begin();
    for (std::int64_t y = 0; y < tiles.height; ++y) {
      const std::uint16_t* from = picture.at(reflected(row * tiles.height + y, picture.height), 0);
      for (std::int64_t x = 0; x < tiles.width; ++x)
        *value++ = from[reflected(column * tiles.width + x, picture.width) * picture.channels];
    }
    // As in `limit`, over the levels that occur.
    std::int32_t above = 0;
    for (const std::uint16_t v : values) above += ++counts[v] > most ? 1 : 0;
    if (above > 0)
      for (const std::uint16_t v : values) counts[v] = std::min(counts[v], most);
    const auto depth = static_cast<std::int32_t>(deep_levels);
    std::int32_t left = above % depth;
    const std::int64_t step = std::max(depth / std::max(left, 1), 1);
    for (std::int64_t v = 0; v < deep_levels && left > 0; v += step, --left) ++counts[v];
    fill_table(counts, above / depth, scale, tables + column * deep_levels);
  }
}

// The first channel of a picture of 16 bits, into that of another.
void equalise(const Pixels<std::uint16_t>& picture, const Tiles& tiles, double clip, std::uint16_t* out) {
  std::vector<std::int32_t> counts(static_cast<std::size_t>(deep_levels));
  // Two rows of tiles are looked at a time: those of even and those of odd number take turns.
  std::array<std::vector<std::uint16_t>, 2> tables;
  std::array<std::int64_t, 2> made{-1, -1};
  for (auto& own : tables) own.resize(static_cast<std::size_t>(tiles.columns * deep_levels));
  const std::vector<Between> down = between(picture.height, tiles.height, tiles.rows);
  const std::vector<Between> along = between(picture.width, tiles.width, tiles.columns);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    const Between& at = down[static_cast<std::size_t>(y)];
    for (const std::int64_t row : {at.first, at.second}) {
      const auto turn = static_cast<std::size_t>(row % 2);
      if (made[turn] != row) fill_tables(picture, tiles, row, clip, counts.data(), tables[turn].data());
      made[turn] = row;
    }
    const std::uint16_t* upper = tables[static_cast<std::size_t>(at.first % 2)].data();
    const std::uint16_t* lower = tables[static_cast<std::size_t>(at.second % 2)].data();
    const float below = at.part, above = 1.0F - below;
    const std::uint16_t* row = picture.at(y, 0);
    for (std::int64_t x = 0; x < picture.width; ++x) {
      const Between& beside = along[static_cast<std::size_t>(x)];
      const float right = beside.part, left = 1.0F - right;
      const std::int64_t v = row[x * picture.channels];
      const std::int64_t first = beside.first * deep_levels + v, second = beside.second * deep_levels + v;
      const float high = static_cast<float>(upper[first]) * left + static_cast<float>(upper[second]) * right;
      const float low = static_cast<float>(lower[first]) * left + static_cast<float>(lower[second]) * right;
      const float share = high * above + low * below;
      out[(y * picture.width + x) * picture.channels] =
          static_cast<std::uint16_t>(static_cast<std::int32_t>((share + magic) - magic));
    }
  }
}

}  // namespace

void add_clahe(nb::module_& m) {
  m.def(
      "equalise_tiles",
      [](const AnyPicture& picture, double clip, std::int64_t rows, std::int64_t columns) {
        if (picture.dtype() != nb::dtype<std::uint8_t>()) throw nb::type_error("picture: expected uint8");
        if (rows < 1 || columns < 1) throw nb::value_error("rows, columns: expected at least 1");
        if (picture.size() == 0) return;
        with_picture(picture, [=](auto view) {
          if constexpr (std::is_same_v<decltype(view), Pixels<std::uint8_t>>)
            equalise(view, tiles_of(view.height, view.width, rows, columns), clip);
        });
      },
      nb::arg("picture").noconvert(), nb::arg("clip"), nb::arg("rows"), nb::arg("columns"));
  m.def(
      "equalise_deep_tiles",
      [](const AnyPicture& picture, const AnyPicture& out, double clip, std::int64_t rows, std::int64_t columns) {
        if (picture.dtype() != nb::dtype<std::uint16_t>()) throw nb::type_error("picture: expected uint16");
        if (out.dtype() != picture.dtype()) throw nb::type_error("out: expected the picture's type");
        for (std::size_t axis = 0; axis < 3; ++axis)
          if (out.shape(axis) != picture.shape(axis)) throw nb::value_error("out: expected the picture's shape");
        if (rows < 1 || columns < 1) throw nb::value_error("rows, columns: expected at least 1");
        if (picture.size() == 0) return;
        with_picture(picture, [=, to = static_cast<std::uint16_t*>(out.data())](auto view) {
          if constexpr (std::is_same_v<decltype(view), Pixels<std::uint16_t>>)
            equalise(view, tiles_of(view.height, view.width, rows, columns), clip, to);
        });
      },
      nb::arg("picture").noconvert(), nb::arg("out").noconvert(), nb::arg("clip"), nb::arg("rows"), nb::arg("columns"));
}

}  // namespace covary
