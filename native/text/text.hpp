// Edits of plain ASCII texts, many at once: what the kernels of texts share.
//
// Each kernel makes exactly the edits that the operation of its name makes in Python, from the same random numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "../philox.hpp"

namespace covary {

using Place = std::int32_t;

// text[start:end]
struct Part {
  Place start, end;
};

struct Characters {
  const char* data;
  Place length;
  char operator[](Place at) const { return data[at]; }
};

inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_letter(char c) { return is_upper(c) || is_lower(c); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f'); }
inline bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }
inline char upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }
inline char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// The uniform numbers of one operation for one text; see covary.ops.text.numbers.
class Numbers {
 public:
  explicit Numbers(std::uint64_t stream) : low_(static_cast<std::uint32_t>(stream)), high_(static_cast<std::uint32_t>(stream >> 32)) {}

  double next() {
    if (at_ % 2 == 0) open_block();
    const std::uint32_t* pair = words_ + 2 * (at_++ % 2);
    const std::uint64_t bits = std::uint64_t{pair[1]} << 32 | pair[0];
    return static_cast<double>(bits >> 11) * 0x1p-53;
  }

  // Goes on with number `at`.
  void go_to(std::uint64_t at) {
    at_ = at;
    if (at_ % 2 == 1) open_block();
  }

  // A whole number from 0 to bound - 1.
  Place below(Place bound) { return std::min(static_cast<Place>(next() * bound), bound - 1); }

  // Leaves `count` different items, or all there are, in random order.
  template <class Item>
  void sample(std::vector<Item>& items, Place count) {
    const auto length = static_cast<Place>(items.size());
    count = std::min(count, length);
    for (Place at = 0; at < count; ++at) std::swap(items[at], items[at + below(length - at)]);
    items.resize(static_cast<std::size_t>(count));
  }

 private:
  void open_block() {
    words_[0] = static_cast<std::uint32_t>(at_ / 2);
    words_[1] = words_[2] = words_[3] = 0;
    philox(words_, low_, high_);
  }

  std::uint32_t low_, high_;
  std::uint64_t at_ = 0;
  std::uint32_t words_[4] = {};
};

// What may be written for one shape: strings first to first + count - 1 of a table.
struct Readings {
  Place first = 0, count = 0;
};

struct Options {
  Place least = 1;                              // words with fewer characters stay
  bool own_alphabet = true;                     // new letters come from the text itself
  bool stays = false;                           // the letter in whose place another comes stays, before it
  std::vector<char> alphabet;                   // where they do not
  Readings nothing;                             // what may be put in where nothing stands
  std::array<Readings, 128> singles;            // what may stand for a character
  std::unordered_map<int, Readings> pairs;      // and for two, by first * 128 + second
};

// An edit of one text: text[start:end] gives way to a string of the table, to a copy of another part of the text, or to up
// to two characters.
struct Draft {
  Place start, end;
  Place piece = -1;
  Part copy = {-1, -1};
  std::array<char, 2> characters = {};
  int count = 0;
};

struct Sentence {
  Characters text;
  std::vector<Part> words;  // all of them
  std::vector<Part> free;   // those of which nothing is protected
};

using Drafts = std::vector<Draft>;
using Kernel = void (*)(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts);

// scan.cpp
void find_words(const Characters& text, std::vector<Part>& words);
void without_protected(const std::vector<Part>& words, const std::vector<Part>& guarded, std::vector<Part>& free);
std::uint8_t signs_of(const Characters& text);

// A share of the places, in their order: the rule of covary.ops.text.characters.picked.
template <class Item, class Before>
void pick(std::vector<Item>& places, double rate, Numbers& numbers, Before before) {
  const auto length = static_cast<double>(places.size());
  const auto count = rate > 0 ? static_cast<Place>(rate * length + numbers.next()) : 0;
  if (count >= static_cast<Place>(places.size())) return;
  numbers.sample(places, count);
  std::sort(places.begin(), places.end(), before);
}

// EDA's rule: rounded down, but at least one unless the rate is zero.
inline Place count_of(double rate, std::size_t length) {
  return rate > 0 && length > 0 ? std::max(1, static_cast<Place>(rate * static_cast<double>(length))) : 0;
}

// words.cpp
void swap_words(const Sentence&, double, const Options&, Numbers&, Drafts&);
void delete_words(const Sentence&, double, const Options&, Numbers&, Drafts&);
void insert_marks(const Sentence&, double, const Options&, Numbers&, Drafts&);
void split_words(const Sentence&, double, const Options&, Numbers&, Drafts&);

// letters.cpp
void misread_letters(const Sentence&, double, const Options&, Numbers&, Drafts&);
void replace_letters(const Sentence&, double, const Options&, Numbers&, Drafts&);
void delete_letters(const Sentence&, double, const Options&, Numbers&, Drafts&);
void transpose_letters(const Sentence&, double, const Options&, Numbers&, Drafts&);

}  // namespace covary
