// The operations on single letters; see covary.ops.text.characters.
#include "text.hpp"

namespace covary {

namespace {

std::vector<Place> letters_of(const Sentence& sentence, Place least) {
  std::vector<Place> letters;
  letters.reserve(static_cast<std::size_t>(sentence.text.length));
  for (const Part& word : sentence.free) {
    if (word.end - word.start < least) continue;
    for (Place at = word.start; at < word.end; ++at)
      if (is_letter(sentence.text[at])) letters.push_back(at);
  }
  return letters;
}

std::vector<Place> picked(std::vector<Place> places, double rate, Numbers& numbers) {
  pick(places, rate, numbers, std::less<Place>());
  return places;
}

}  // namespace

void misread_letters(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  const Characters& text = sentence.text;
  Place last = 0;
  for (const Place at : picked(letters_of(sentence, options.least), rate, numbers)) {
    Readings readings = options.singles[static_cast<std::size_t>(text[at])];
    Place length = 1;
    if (!options.pairs.empty() && at + 1 < text.length && is_letter(text[at + 1])) {
      const auto pair = options.pairs.find(text[at] * 128 + text[at + 1]);
      if (pair != options.pairs.end()) {
        readings = pair->second;
        length = 2;
      }
    }
    if (readings.count == 0 || at < last) continue;
    last = at + length;
    Draft draft{at, last};
    draft.piece = readings.first + numbers.below(readings.count);
    drafts.push_back(draft);
  }
}

void replace_letters(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  const Characters& text = sentence.text;
  const char* alphabet = options.own_alphabet ? text.data : options.alphabet.data();
  const Place size = options.own_alphabet ? text.length : static_cast<Place>(options.alphabet.size());
  for (const Place at : picked(letters_of(sentence, options.least), rate, numbers)) {
    const char old = text[at];
    char made = alphabet[numbers.below(size)];
    if (options.own_alphabet && !is_letter(made)) made = old;
    made = is_upper(old) ? upper(made) : lower(made);
    Draft draft{at, at + 1};
    draft.characters = {options.stays ? old : made, made};
    draft.count = options.stays ? 2 : 1;
    drafts.push_back(draft);
  }
}

void delete_letters(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  const std::vector<Place> places = picked(letters_of(sentence, options.least), rate, numbers);
  auto word = sentence.words.begin();
  std::size_t run = 0;  // places of this word, without a gap from its start on
  for (const Place at : places) {
    while (word->end <= at) {
      ++word;
      run = 0;
    }
    if (at == word->start + static_cast<Place>(run)) ++run;
    if (static_cast<Place>(run) == word->end - word->start) continue;  // the last letter of a word stays
    drafts.push_back({at, at + 1});
  }
}

void transpose_letters(const Sentence& sentence, double rate, const Options& options, Numbers& numbers, Drafts& drafts) {
  const Characters& text = sentence.text;
  const std::vector<Place> letters = letters_of(sentence, options.least);
  std::vector<Place> pairs;
  pairs.reserve(letters.size());
  for (std::size_t k = 0; k + 1 < letters.size(); ++k)
    if (letters[k + 1] == letters[k] + 1) pairs.push_back(letters[k]);
  Place last = 0;
  for (const Place at : picked(std::move(pairs), rate, numbers)) {
    const char one = text[at], other = text[at + 1];
    if (at < last || one == other) continue;
    Draft draft{at, at + 2};
    draft.characters = {is_upper(one) ? upper(other) : lower(other), is_upper(other) ? upper(one) : lower(one)};
    draft.count = 2;
    drafts.push_back(draft);
    last = at + 2;
  }
}

}  // namespace covary
