// Where the words of an ASCII text are, and signs of what has to be protected; see covary.ops.text.scan.
#include "text.hpp"

namespace covary {

namespace {

constexpr std::uint8_t urls = 1, emails = 2, numbers = 4, placeholders = 8, code = 16, markup = 32, any = 64;

std::array<std::uint8_t, 128> lone_signs() {
  std::array<std::uint8_t, 128> signs{};
  const auto add = [&](const char* characters, std::uint8_t bits) {
    for (; *characters != '\0'; ++characters) signs[static_cast<std::size_t>(*characters)] |= bits;
  };
  add("0123456789", numbers | any);
  add("@", emails | any);
  add("{%$<[_", placeholders | any);
  add("`_", code | any);
  add("<&", markup | any);
  return signs;
}

const std::array<std::uint8_t, 128> signs_alone = lone_signs();

// The bits of a point, colon or bracket.
std::uint8_t closer_look(const Characters& text, Place at) {
  const auto character = [&](Place place) { return place >= 0 && place < text.length ? text[place] : '\n'; };
  const char before = character(at - 1), behind = character(at + 1);
  std::uint8_t bits = is_space(behind) ? 0 : any;
  if (text[at] == '.' && is_word(before) && is_word(behind)) bits |= urls;
  if (text[at] == ':' && behind == '/' && character(at + 2) == '/') bits |= urls;
  if (text[at] == '(' && is_word(before)) bits |= code;
  if (text[at] == '(' && before == ']') bits |= markup;
  return bits;
}

}  // namespace

void find_words(const Characters& text, std::vector<Part>& words) {
  words.clear();
  Place at = 0;
  while (at < text.length) {
    if (!is_word(text[at])) {
      ++at;
      continue;
    }
    const Place start = at;
    while (at < text.length) {
      const bool joins = (text[at] == '\'' || text[at] == '-') && at + 1 < text.length && is_word(text[at + 1]);
      if (!joins && !is_word(text[at])) break;
      at += joins ? 2 : 1;
    }
    words.push_back({start, at});
  }
}

void without_protected(const std::vector<Part>& words, const std::vector<Part>& guarded, std::vector<Part>& free) {
  free.clear();
  auto part = guarded.begin();
  for (const Part& word : words) {
    while (part != guarded.end() && part->end <= word.start) ++part;
    if (part == guarded.end() || part->start >= word.end) free.push_back(word);
  }
}

std::uint8_t signs_of(const Characters& text) {
  std::uint8_t signs = 0;
  for (Place at = 0; at < text.length; ++at) {
    const char c = text[at];
    signs |= signs_alone[static_cast<std::size_t>(c)];
    if (c == '.' || c == ':' || c == '(') signs |= closer_look(text, at);
  }
  return signs;
}

}  // namespace covary
