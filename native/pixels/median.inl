// The median of a square about each value, by sorting networks on whole vectors; at the borders the edge is repeated.
//
// The values of each column are sorted once for all squares that share it, neighbouring columns are merged in pairs that two
// squares share, and of each square's few sorted lists only what may be its median is merged any further: the compiler drops
// all other comparisons, as nobody reads what they make.
namespace covary {
namespace COVARY_ENGINE {

namespace {

template <class V, int N>
struct Sorted {
  V v[N > 0 ? N : 1];
};

template <int First, class V, int N>
COVARY_ALWAYS Sorted<V, (N - First + 1) / 2> every_other(const Sorted<V, N>& list) {
  Sorted<V, (N - First + 1) / 2> some;
#pragma GCC unroll 64
  for (int i = 0; i < (N - First + 1) / 2; ++i) some.v[i] = list.v[First + 2 * i];
  return some;
}

// Batcher's odd-even merge of two sorted lists of any lengths.
template <class V, int M, int N>
COVARY_ALWAYS Sorted<V, M + N> merged(const Sorted<V, M>& a, const Sorted<V, N>& b) {
  if constexpr (M == 0) {
    return b;
  } else if constexpr (N == 0) {
    return a;
  } else if constexpr (M == 1 && N == 1) {
    return {{lower(a.v[0], b.v[0]), higher(a.v[0], b.v[0])}};
  } else {
    constexpr int evens = (M + 1) / 2 + (N + 1) / 2, odds = M / 2 + N / 2;
    const Sorted<V, evens> even = merged(every_other<0>(a), every_other<0>(b));
    const Sorted<V, odds> odd = merged(every_other<1>(a), every_other<1>(b));
    Sorted<V, M + N> all;
    all.v[0] = even.v[0];
    constexpr int pairs = odds < evens - 1 ? odds : evens - 1;
#pragma GCC unroll 64
    for (int i = 0; i < pairs; ++i) {
      all.v[2 * i + 1] = lower(even.v[i + 1], odd.v[i]);
      all.v[2 * i + 2] = higher(even.v[i + 1], odd.v[i]);
    }
    if constexpr (odds > pairs) all.v[M + N - 1] = odd.v[odds - 1];
    if constexpr (evens - 1 > pairs) all.v[M + N - 1] = even.v[evens - 1];
    return all;
  }
}

template <int First, int Count, class V, int N>
COVARY_ALWAYS Sorted<V, Count> part(const Sorted<V, N>& list) {
  Sorted<V, Count> some;
#pragma GCC unroll 64
  for (int i = 0; i < Count; ++i) some.v[i] = list.v[First + i];
  return some;
}

template <class V, int N>
COVARY_ALWAYS Sorted<V, N> sorted(const Sorted<V, N>& list) {
  if constexpr (N == 1) {
    return list;
  } else {
    return merged(sorted(part<0, N / 2>(list)), sorted(part<N / 2, N - N / 2>(list)));
  }
}

// Value number K, from 1 on, of two sorted lists together.
template <int K, class V, int M, int N>
COVARY_ALWAYS V ranked(const Sorted<V, M>& a, const Sorted<V, N>& b) {
  // i values of `a` and K - i of `b` are those up to it, for some i.
  constexpr int from = K - N > 0 ? K - N : 0, to = K < M ? K : M;
  V found{};
#pragma GCC unroll 64
  for (int i = from; i <= to; ++i) {
    const V last = i == 0 ? b.v[K - 1] : i == K ? a.v[K - 1] : higher(a.v[i - 1], b.v[K - i - 1]);
    found = i == from ? last : lower(found, last);
  }
  return found;
}

// N lines of so many values: value i of each of them is a sorted list.
template <class T>
struct Lines {
  T* data;
  std::int64_t length;
  template <int N>
  COVARY_ALWAYS Sorted<Vector<T>, N> at(std::int64_t i) const {
    Sorted<Vector<T>, N> list;
#pragma GCC unroll 64
    for (int k = 0; k < N; ++k) list.v[k] = load(data + k * length + i);
    return list;
  }
  template <int N>
  COVARY_ALWAYS void put(std::int64_t i, const Sorted<Vector<T>, N>& list) const {
#pragma GCC unroll 64
    for (int k = 0; k < N; ++k) store(data + k * length + i, list.v[k]);
  }
};

template <class T, int Side>
COVARY_ALWAYS Sorted<Vector<T>, Side> column(const T* const* rows, std::int64_t i) {
  Sorted<Vector<T>, Side> list;
#pragma GCC unroll 64
  for (int k = 0; k < Side; ++k) list.v[k] = load(rows[k] + i);
  return sorted(list);
}

// The medians of squares whose leftmost columns begin at i; columns lie c values apart.
template <class T, int Radius>
COVARY_ALWAYS Vector<T> middle(const Lines<T>& columns, const Lines<T>& pairs, std::int64_t i, std::int64_t c) {
  constexpr int side = 2 * Radius + 1, rank = side * side / 2 + 1;
  if constexpr (Radius == 1) {
    const auto a = columns.template at<3>(i), b = columns.template at<3>(i + c), d = columns.template at<3>(i + 2 * c);
    const auto between = [](auto p, auto q, auto r) { return higher(lower(p, q), lower(higher(p, q), r)); };
    return between(higher(higher(a.v[0], b.v[0]), d.v[0]), between(a.v[1], b.v[1], d.v[1]),
                   lower(lower(a.v[2], b.v[2]), d.v[2]));
  } else if constexpr (Radius == 2) {
    const auto right = merged(pairs.template at<2 * side>(i + 2 * c), columns.template at<side>(i + 4 * c));
    return ranked<rank>(pairs.template at<2 * side>(i), right);
  } else {
    const auto right = merged(pairs.template at<2 * side>(i + 4 * c), columns.template at<side>(i + 6 * c));
    const auto left = merged(pairs.template at<2 * side>(i), pairs.template at<2 * side>(i + 2 * c));
    return ranked<rank>(left, right);
  }
}

template <class T, int Radius>
void medians(Rows<T> picture) {
  constexpr int side = 2 * Radius + 1;
  const std::int64_t c = picture.channels, run = picture.run(), margin = Radius * c;
  const std::int64_t tile = least(whole(run, lanes<T>), 768 / static_cast<std::int64_t>(sizeof(T)));
  // Whole vectors are read from the first value of a row to the end of the last tile.
  const std::int64_t padded = whole(run + 2 * margin, lanes<T>) + 2 * lanes<T>;
  const std::int64_t length = whole(tile + 2 * margin, lanes<T>) + 2 * lanes<T>;
  const bool past = streams(picture.made(0), run, picture.height);
  const Room<T> room(side * padded + 3 * side * length + (past ? padded : 0));
  const Lines<T> columns{room.data() + side * padded, length}, pairs{columns.data + side * length, length};
  T* const staging = pairs.data + 2 * side * length;
  const auto slot = [&](std::int64_t y) { return room.data() + y % side * padded; };
  const auto take = [&](std::int64_t y) {
    T* row = slot(y) + margin;
    copy_row(picture, y, row);
    for (std::int64_t i = 1; i <= margin; ++i) row[-i] = row[c - 1 - (i - 1) % c];
    for (std::int64_t i = 0; i < margin; ++i) row[run + i] = row[run - c + i % c];
  };
  for (std::int64_t y = 0; y < least(Radius, picture.height); ++y) take(y);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    if (y + Radius < picture.height) take(y + Radius);
    for (std::int64_t x = 0; x < run; x += tile) {
      const std::int64_t count = least(tile, run - x);
      const T* rows[side];
      for (int k = 0; k < side; ++k) rows[k] = slot(least(most(y + k - Radius, 0), picture.height - 1)) + x;
      for (std::int64_t i = 0; i < count + 2 * margin; i += lanes<T>) columns.put(i, column<T, side>(rows, i));
      if constexpr (Radius > 1) {
        for (std::int64_t i = 0; i < count + 2 * margin - c; i += lanes<T>)
          pairs.put(i, merged(columns.template at<side>(i), columns.template at<side>(i + c)));
      }
      T* to = (past ? staging : picture.made(y)) + x;
      for (std::int64_t i = 0; i < count; i += lanes<T>) store_some(to + i, middle<T, Radius>(columns, pairs, i, c), count - i);
    }
    if (past) stream_row(staging, run, picture.made(y));
  }
  if (past) end_of_streams();
}

}  // namespace

template <class T>
void median(Rows<T> picture, int radius) {
  switch (radius) {
    case 1:
      return medians<T, 1>(picture);
    case 2:
      return medians<T, 2>(picture);
    case 3:
      return medians<T, 3>(picture);
    default:
      return;
  }
}

template void median(Rows<std::uint8_t>, int);
template void median(Rows<std::uint16_t>, int);
template void median(Rows<float>, int);

}  // namespace COVARY_ENGINE
}  // namespace covary
