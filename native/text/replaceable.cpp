// The words for which a lexicon has others; see covary.ops.text.synonyms.
#include <numeric>

#include "texts.hpp"

namespace covary {

namespace {

// What tells the words apart, all of it Python's.
struct Lookup {
  PyObject* stop_words;              // a set
  PyObject* classes;                 // word -> class
  PyObject *other, *start, *end;     // the classes of other words, of what is before the first and behind the last
  PyObject* known;                   // (class of the word before, form, class of the word behind) -> options or None
};

Owned lowered(const Characters& text, const Part& word) {
  Owned form = checked(PyUnicode_New(word.end - word.start, 127));
  std::transform(text.data + word.start, text.data + word.end, static_cast<char*>(PyUnicode_DATA(form.get())), lower);
  return form;
}

bool only_space(const Characters& text, Place start, Place end) {
  return std::all_of(text.data + start, text.data + end, is_space);
}

bool all_capitals(const Characters& text, const Part& word) {
  const char *start = text.data + word.start, *end = text.data + word.end;
  return std::any_of(start, end, is_upper) && std::none_of(start, end, is_lower);
}

PyObject* class_of(const Lookup& lookup, const Characters& text, const Part& word) {
  PyObject* found = PyDict_GetItemWithError(lookup.classes, lowered(text, word).get());
  if (found == nullptr && PyErr_Occurred() != nullptr) throw PythonError{};
  return found == nullptr ? lookup.other : found;
}

// The options of one word; null where there are none.
Owned options_of(const Lookup& lookup, const Characters& text, const std::vector<Part>& words, std::size_t at) {
  const Part& word = words[at];
  const Owned form = lowered(text, word);
  const int stops = PySet_Contains(lookup.stop_words, form.get());
  if (stops < 0) throw PythonError{};
  if (stops > 0) return Owned();
  // Words with something else than white space between them are no neighbours.
  const bool follows = at > 0 && only_space(text, words[at - 1].end, word.start);
  const bool leads = at + 1 < words.size() && only_space(text, word.end, words[at + 1].start);
  if (follows && is_upper(text[word.start]) && !all_capitals(text, word)) return Owned();  // a name
  PyObject* before = follows ? class_of(lookup, text, words[at - 1]) : lookup.start;
  PyObject* behind = leads ? class_of(lookup, text, words[at + 1]) : lookup.end;
  const Owned key = checked(PyTuple_Pack(3, before, form.get(), behind));
  Owned options = checked(PyObject_GetItem(lookup.known, key.get()));
  return options.get() == Py_None ? Owned() : std::move(options);
}

// An "a" or "an" right before a word that nothing protects, or (-1, -1).
Part article_before(const Sentence& sentence, std::size_t at) {
  if (at == 0) return {-1, -1};
  const Part& word = sentence.words[at - 1];
  const Place length = word.end - word.start;
  const bool article = lower(sentence.text[word.start]) == 'a' &&
                       (length == 1 || (length == 2 && lower(sentence.text[word.start + 1]) == 'n'));
  const bool free = std::any_of(sentence.free.begin(), sentence.free.end(), [&](const Part& part) { return part.start == word.start; });
  return article && free && only_space(sentence.text, word.end, sentence.words[at].start) ? word : Part{-1, -1};
}

struct Found {
  std::size_t at;
  Owned options;
};

// The words in random order, until there are enough for which there are options; sorted.
std::vector<Found> found_words(const Sentence& sentence, Place count, const Lookup& lookup, Numbers& numbers) {
  std::vector<Found> found;
  const std::vector<Part>& words = sentence.words;
  std::vector<std::size_t> order(words.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t k = 0; k < order.size() && static_cast<Place>(found.size()) < count; ++k) {
    std::swap(order[k], order[k + static_cast<std::size_t>(numbers.below(static_cast<Place>(order.size() - k)))]);
    const auto starts = [](const Part& one, const Part& other) { return one.start < other.start; };
    if (!std::binary_search(sentence.free.begin(), sentence.free.end(), words[order[k]], starts)) continue;
    Owned options = options_of(lookup, sentence.text, words, order[k]);
    if (options.get() != nullptr) found.push_back({order[k], std::move(options)});
  }
  numbers.go_to(order.size());
  std::sort(found.begin(), found.end(), [](const Found& one, const Found& other) { return one.at < other.at; });
  return found;
}

Owned described(const Sentence& sentence, const Found& found, double u) {
  const Part &word = sentence.words[found.at], article = article_before(sentence, found.at);
  return checked(Py_BuildValue("(iiOdii)", word.start, word.end, found.options.get(), u, article.start, article.end));
}

}  // namespace

PyObject* replaceable_words(PyObject* texts_object, PyObject* guarded, PyObject* streams, PyObject* rates, PyObject* stop_words,
                            PyObject* classes, PyObject* others, PyObject* known) {
  const Texts texts(texts_object);
  const Work work(texts, guarded, streams, rates);
  if (!PyAnySet_Check(stop_words)) refuse("stop_words: expected a set");
  if (!PyDict_Check(classes)) refuse("classes: expected a dict");
  if (!PyTuple_Check(others) || PyTuple_GET_SIZE(others) != 3) refuse("others: expected three classes");
  const Lookup lookup{stop_words, classes, PyTuple_GET_ITEM(others, 0), PyTuple_GET_ITEM(others, 1), PyTuple_GET_ITEM(others, 2), known};
  Owned all = checked(PyList_New(texts.count()));
  Sentence sentence;
  for (Py_ssize_t i = 0; i < texts.count(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    sentence.text = texts.characters(i);
    find_words(sentence.text, sentence.words);
    without_protected(sentence.words, work.guarded[row], sentence.free);
    Numbers numbers(work.streams[row]);
    const std::vector<Found> found = found_words(sentence, count_of(work.rates[row], sentence.words.size()), lookup, numbers);
    PyObject* list = checked(PyList_New(static_cast<Py_ssize_t>(found.size()))).release();
    PyList_SET_ITEM(all.get(), i, list);
    for (std::size_t k = 0; k < found.size(); ++k)
      PyList_SET_ITEM(list, static_cast<Py_ssize_t>(k), described(sentence, found[k], numbers.next()).release());
  }
  return all.release();
}

}  // namespace covary
