// The operations on words that need no dictionary; see covary.ops.text.words.
#include <numeric>

#include "text.hpp"

namespace covary {

namespace {

bool before(const Part& one, const Part& other) { return one.start < other.start; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The deletion of a word with white space on one side; see covary.ops.text.page.Page.removal.
Draft removal(const Characters& text, const Part& word, bool leading) {
  Place start = word.start, end = word.end;
  while (!leading && start > 0 && is_blank(text[start - 1])) --start;
  while (end < text.length && is_blank(text[end])) ++end;
  const bool opens = leading || start == 0 || text[start - 1] == '\r' || text[start - 1] == '\n';
  const bool behind = end > word.end;
  const bool alone = start == word.start && end < text.length && (is_letter(text[end]) || is_digit(text[end]));
  if (behind && (opens || alone)) return {word.start, end};
  return {opens ? word.start : start, word.end};
}

}  // namespace

void swap_words(const Sentence& sentence, double rate, const Options&, Numbers& numbers, Drafts& drafts) {
  const std::vector<Part>& words = sentence.free;
  const Place swaps = count_of(rate, words.size()), count = static_cast<Place>(words.size());
  if (swaps == 0 || count < 2) return;
  std::vector<Place> order(words.size());
  std::iota(order.begin(), order.end(), 0);
  for (Place swap = 0; swap < swaps; ++swap) {
    const Place one = numbers.below(count);
    Place other = numbers.below(count - 1);
    if (other >= one) ++other;
    std::swap(order[one], order[other]);
  }
  for (Place at = 0; at < count; ++at) {
    if (order[at] == at) continue;
    Draft draft{words[at].start, words[at].end};
    draft.copy = words[order[at]];
    drafts.push_back(draft);
  }
}

void delete_words(const Sentence& sentence, double rate, const Options&, Numbers& numbers, Drafts& drafts) {
  if (rate == 0) return;
  std::vector<Part> chosen;
  for (const Part& word : sentence.free)
    if (numbers.next() < rate) chosen.push_back(word);
  if (!chosen.empty() && chosen.size() == sentence.words.size())
    chosen.erase(chosen.begin() + numbers.below(static_cast<Place>(chosen.size())));
  for (const Part& word : chosen)
    drafts.push_back(removal(sentence.text, word, !drafts.empty() && drafts.back().end == word.start));
}

void insert_marks(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  std::vector<Part> chosen = sentence.free;
  numbers.sample(chosen, count_of(rate, chosen.size()));
  std::sort(chosen.begin(), chosen.end(), before);
  for (const Part& word : chosen) {
    Draft draft{word.start, word.start};
    draft.piece = options.nothing.first + numbers.below(options.nothing.count);
    drafts.push_back(draft);
  }
}

void split_words(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  std::vector<Part> words;
  for (const Part& word : sentence.free) {
    const char* text = sentence.text.data;
    if (word.end - word.start >= options.least && std::all_of(text + word.start, text + word.end, is_letter)) words.push_back(word);
  }
  pick(words, rate, numbers, before);
  for (const Part& word : words) {
    const Place place = word.start + 1 + numbers.below(word.end - word.start - 1);
    Draft draft{place, place};
    draft.characters = {' '};
    draft.count = 1;
    drafts.push_back(draft);
  }
}

}  // namespace covary
