// The lightest or the darkest value near each one; outside the picture there is nothing.
namespace covary {
namespace COVARY_ENGINE {

namespace {

struct Lightest {
  template <class T>
  static constexpr T neutral() {
    return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  }
  template <class V>
  static COVARY_ALWAYS V of(V a, V b) {
    return higher(a, b);
  }
};

struct Darkest {
  template <class T>
  static constexpr T neutral() {
    return std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  template <class V>
  static COVARY_ALWAYS V of(V a, V b) {
    return lower(a, b);
  }
};

// Half widths, rising from 0; a run of each is made of two or three of the one before it.
struct Widths {
  int half[2 * widest_extreme + 2];
  int count = 0;

  // Any shape whose rows are no wider than 2 * widest_extreme + 1.
  explicit Widths(const Neighbourhood& near) {
    bool wanted[widest_extreme + 1] = {};
    for (int k = 0; k <= 2 * near.reach; ++k) wanted[near.halves[k]] = true;
    half[count++] = 0;
    for (int w = 1; w <= widest_extreme; ++w) {
      if (!wanted[w]) continue;
      for (int last = half[count - 1]; last < w; last = half[count - 1])
        half[count++] = static_cast<int>(least(w, last == 0 ? 1 : 2 * last));
    }
  }
  int place(int width) const {
    int k = 0;
    while (half[k] != width) ++k;
    return k;
  }
};

// Several vectors at once, so that each row's address is found once for all of them.
template <class T, class Choice, int Count>
COVARY_ALWAYS void fold_block(const T* const* rows, int count, std::int64_t i, T* to) {
  Vector<T> found[Count];
#pragma GCC unroll 8
  for (int v = 0; v < Count; ++v) found[v] = load(rows[0] + i + v * lanes<T>);
#pragma GCC unroll 5
  for (int k = 1; k < count; ++k) {
#pragma GCC unroll 8
    for (int v = 0; v < Count; ++v) found[v] = Choice::of(found[v], load(rows[k] + i + v * lanes<T>));
  }
#pragma GCC unroll 8
  for (int v = 0; v < Count; ++v) store(to + i + v * lanes<T>, found[v]);
}

template <class T, class Choice>
COVARY_ALWAYS void fold(const T* const* rows, int count, std::int64_t run, T* to) {
  std::int64_t i = 0;
  for (; i + 4 * lanes<T> <= run; i += 4 * lanes<T>) fold_block<T, Choice, 4>(rows, count, i, to);
  for (; i + lanes<T> <= run; i += lanes<T>) fold_block<T, Choice, 1>(rows, count, i, to);
  for (; i < run; ++i) {
    T found = rows[0][i];
    for (int k = 1; k < count; ++k) found = Choice::of(found, rows[k][i]);
    to[i] = found;
  }
}

// Up to so many neighbours are looked at one by one; of larger shapes the runs are.
constexpr int looked_at = 5;

template <class T, class Choice>
void extremes(Rows<T> picture, const Neighbourhood& near) {
  const Widths widths(near);
  const int side = 2 * near.reach + 1;
  int neighbours = 0;
  for (int k = 0; k < side; ++k) neighbours += 2 * near.halves[k] + 1;
  const bool single = neighbours <= looked_at;
  const std::int64_t c = picture.channels, run = picture.run(), margin = widths.half[widths.count - 1] * c;
  // Rows begin where vectors do, whole ones of which are made: room for one too many on both sides.
  const std::int64_t front = whole(margin, lanes<T>) + lanes<T>, padded = front + whole(run + margin, lanes<T>) + 2 * lanes<T>;
  const int lines = single ? 1 : widths.count;
  const bool past = streams(picture.made(0), run, picture.height);
  const Room<T> room(side * lines * padded + (past ? run : 0));
  T* const staging = room.data() + side * lines * padded;
  T* window[2 * widest_extreme + 1];  // the lines of the rows about the one that is made
  for (int k = 0; k < side; ++k) {
    window[k] = room.data() + k * lines * padded + front;
    for (std::int64_t i = -front; i < padded - front; ++i) window[k][i] = Choice::template neutral<T>();
  }
  int places[2 * widest_extreme + 1];
  for (int k = 0; k < side; ++k) places[k] = widths.place(near.halves[k]);
  // A row, and the extremes of its runs of each width about each of its values.
  const auto take = [&](std::int64_t y, T* row) {
    copy_row(picture, y, row);
    for (int k = 1; k < lines; ++k) {
      const std::int64_t step = (widths.half[k] - widths.half[k - 1]) * c, further = margin - widths.half[k] * c;
      const bool first = k == 1;
      const T* __restrict from = row + (k - 1) * padded;
      T* __restrict to = row + k * padded;
      for (std::int64_t i = -whole(further, lanes<T>); i < run + further; i += lanes<T>) {
        const Vector<T> found = Choice::of(load(from + i - step), load(from + i + step));
        store(to + i, first ? Choice::of(found, load(from + i)) : found);
      }
    }
  };
  for (std::int64_t y = -near.reach; y < picture.height; ++y) {
    T* first = window[0];
    for (int k = 1; k < side; ++k) window[k - 1] = window[k];
    window[side - 1] = first;
    if (y + near.reach < picture.height) take(y + near.reach, first);
    if (y < 0) continue;
    const T* rows[2 * widest_extreme + 1 > looked_at ? 2 * widest_extreme + 1 : looked_at];
    int count = 0;
    for (int k = 0; k < side; ++k) {
      const std::int64_t from = y + k - near.reach;
      if (from < 0 || from >= picture.height) continue;
      if (single) {
        for (int x = -near.halves[k]; x <= near.halves[k]; ++x) rows[count++] = window[k] + x * c;
      } else {
        rows[count++] = window[k] + places[k] * padded;
      }
    }
    if (count == looked_at) {
      // So few addresses stay in registers.
      const T* const few[looked_at] = {rows[0], rows[1], rows[2], rows[3], rows[4]};
      fold<T, Choice>(few, looked_at, run, past ? staging : picture.made(y));
    } else {
      fold<T, Choice>(rows, count, run, past ? staging : picture.made(y));
    }
    if (past) stream_row(staging, run, picture.made(y));
  }
  if (past) end_of_streams();
}

}  // namespace

template <class T>
void extreme(Rows<T> picture, const Neighbourhood& near, bool lightest) {
  if (lightest) {
    extremes<T, Lightest>(picture, near);
  } else {
    extremes<T, Darkest>(picture, near);
  }
}

template void extreme(Rows<std::uint8_t>, const Neighbourhood&, bool);
template void extreme(Rows<std::uint16_t>, const Neighbourhood&, bool);
template void extreme(Rows<float>, const Neighbourhood&, bool);

}  // namespace COVARY_ENGINE
}  // namespace covary
