// What Python gives to the kernels of texts, and what it gets from them.
#include "module.hpp"

#include <cstring>
#include <string>

#include "../guarded.hpp"
#include "texts.hpp"

namespace nb = nanobind;

namespace covary {

namespace {

PyObject* text_signs(PyObject* texts_object) {
  const Texts texts(texts_object);
  std::vector<char> signs(static_cast<std::size_t>(texts.count()));
  {
    const nb::gil_scoped_release released;
    for (Py_ssize_t i = 0; i < texts.count(); ++i) signs[static_cast<std::size_t>(i)] = static_cast<char>(signs_of(texts.characters(i)));
  }
  return checked(PyBytes_FromStringAndSize(signs.data(), texts.count())).release();
}

PyObject* text_words(PyObject* texts_object) {
  const Texts texts(texts_object);
  std::vector<std::vector<Part>> words(static_cast<std::size_t>(texts.count()));
  {
    const nb::gil_scoped_release released;
    for (Py_ssize_t i = 0; i < texts.count(); ++i) find_words(texts.characters(i), words[static_cast<std::size_t>(i)]);
  }
  Owned all = checked(PyList_New(texts.count()));
  for (Py_ssize_t i = 0; i < texts.count(); ++i) {
    const std::vector<Part>& found = words[static_cast<std::size_t>(i)];
    PyObject* list = checked(PyList_New(static_cast<Py_ssize_t>(found.size()))).release();
    PyList_SET_ITEM(all.get(), i, list);
    for (std::size_t k = 0; k < found.size(); ++k) {
      PyObject* pair = checked(PyTuple_New(2)).release();
      PyList_SET_ITEM(list, static_cast<Py_ssize_t>(k), pair);
      PyTuple_SET_ITEM(pair, 0, checked(PyLong_FromLong(found[k].start)).release());
      PyTuple_SET_ITEM(pair, 1, checked(PyLong_FromLong(found[k].end)).release());
    }
  }
  return all.release();
}

Kernel kernel_of(const std::string& name) {
  static const std::unordered_map<std::string, Kernel> kernels = {
      {"swap_words", swap_words},           {"delete_words", delete_words},       {"insert_marks", insert_marks},
      {"split_words", split_words},         {"misread_letters", misread_letters}, {"replace_letters", replace_letters},
      {"delete_letters", delete_letters},   {"transpose_letters", transpose_letters}};
  const auto found = kernels.find(name);
  if (found == kernels.end()) refuse("kernel: there is none called " + name);
  return found->second;
}

// The table's strings, which `pieces` owns; shapes of up to two characters lead to them.
void read_table(PyObject* table, Options& options, std::vector<Owned>& pieces) {
  if (!PyDict_Check(table)) refuse("table: expected a dict");
  PyObject *key = nullptr, *value = nullptr;
  Py_ssize_t at = 0;
  while (PyDict_Next(table, &at, &key, &value) != 0) {
    const std::vector<char> shape = ascii(key, "table");
    if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) == 0) refuse("table: expected tuples of strings");
    const Readings readings{static_cast<Place>(pieces.size()), static_cast<Place>(PyTuple_GET_SIZE(value))};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
      if (!PyUnicode_Check(PyTuple_GET_ITEM(value, i))) refuse("table: expected tuples of strings");
      pieces.emplace_back(Py_NewRef(PyTuple_GET_ITEM(value, i)));
    }
    if (shape.empty()) options.nothing = readings;
    else if (shape.size() == 1) options.singles[static_cast<std::size_t>(shape[0])] = readings;
    else if (shape.size() == 2) options.pairs[shape[0] * 128 + shape[1]] = readings;
    else refuse("table: expected shapes of at most two characters");
  }
}

// A new instance of a class made by typing.NamedTuple; it takes what it is given.
Owned named_tuple(PyObject* type, std::initializer_list<PyObject*> items) {
  auto* made_type = reinterpret_cast<PyTypeObject*>(type);
  Owned made = checked(made_type->tp_alloc(made_type, static_cast<Py_ssize_t>(items.size())));
  Py_ssize_t at = 0;
  bool whole = true;
  for (PyObject* item : items) {
    whole = whole && item != nullptr;
    PyTuple_SET_ITEM(made.get(), at++, item);
  }
  if (!whole) throw PythonError{};
  return made;
}

// Makes Python's edits and the new text of drafts.
class Writer {
 public:
  explicit Writer(const std::vector<Owned>& pieces) : pieces_(pieces) {
    kept(edit_, "covary.plan.edits", "Edit");
    kept(copy_, "covary.plan.edits", "Copy");
  }

  Owned edits(PyObject* text, const Drafts& drafts) const {
    Owned list = checked(PyList_New(static_cast<Py_ssize_t>(drafts.size())));
    for (std::size_t k = 0; k < drafts.size(); ++k)
      PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(k), edit(text, drafts[k]).release());
    return list;
  }

  static Owned text(PyObject* old, PyObject* edits, const Drafts& drafts) {
    const Py_ssize_t length = PyUnicode_GET_LENGTH(old);
    Py_ssize_t longer = length;
    Py_UCS4 highest = 127;
    for (std::size_t k = 0; k < drafts.size(); ++k) {
      PyObject* made = replacement(edits, k);
      longer += PyUnicode_GET_LENGTH(made) - (drafts[k].end - drafts[k].start);
      highest = std::max(highest, PyUnicode_MAX_CHAR_VALUE(made));
    }
    Owned output = checked(PyUnicode_New(longer, highest));
    Py_ssize_t from = 0, to = 0;
    const auto add = [&](PyObject* source, Py_ssize_t start, Py_ssize_t count) {
      if (highest < 128) {
        std::memcpy(static_cast<char*>(PyUnicode_DATA(output.get())) + to, static_cast<const char*>(PyUnicode_DATA(source)) + start,
                    static_cast<std::size_t>(count));
      } else if (count > 0 && PyUnicode_CopyCharacters(output.get(), to, source, start, count) < 0) {
        throw PythonError{};
      }
      to += count;
    };
    for (std::size_t k = 0; k < drafts.size(); ++k) {
      add(old, from, drafts[k].start - from);
      add(replacement(edits, k), 0, PyUnicode_GET_LENGTH(replacement(edits, k)));
      from = drafts[k].end;
    }
    add(old, from, length - from);
    return output;
  }

 private:
  static PyObject* replacement(PyObject* edits, std::size_t k) {
    return PyTuple_GET_ITEM(PyList_GET_ITEM(edits, static_cast<Py_ssize_t>(k)), 2);
  }

  Owned edit(PyObject* text, const Draft& draft) const {
    static PyObject* none = checked(PyTuple_New(0)).release();
    Owned made, copies;
    if (draft.copy.start >= 0) {
      made = checked(PyUnicode_Substring(text, draft.copy.start, draft.copy.end));
      copies = checked(PyTuple_New(1));
      PyTuple_SET_ITEM(copies.get(), 0,
                       named_tuple(copy_, {PyLong_FromLong(0), PyLong_FromLong(draft.copy.start), PyLong_FromLong(draft.copy.end)}).release());
    } else {
      copies = Owned(Py_NewRef(none));
      made = draft.piece >= 0 ? Owned(Py_NewRef(pieces_[static_cast<std::size_t>(draft.piece)].get()))
                              : checked(PyUnicode_FromStringAndSize(draft.characters.data(), draft.count));
    }
    return named_tuple(edit_, {PyLong_FromLong(draft.start), PyLong_FromLong(draft.end), made.release(), copies.release()});
  }

  static inline PyObject *edit_ = nullptr, *copy_ = nullptr;
  const std::vector<Owned>& pieces_;
};

PyObject* edit_texts(const std::string& name, PyObject* texts_object, PyObject* guarded_object, PyObject* streams_object,
                     PyObject* rates_object, PyObject* table, PyObject* alphabet, int least, bool stays) {
  const Kernel kernel = kernel_of(name);
  const Texts texts(texts_object);
  const Work work(texts, guarded_object, streams_object, rates_object);
  Options options;
  std::vector<Owned> pieces;
  options.least = least;
  options.stays = stays;
  options.own_alphabet = alphabet == Py_None;
  if (!options.own_alphabet) options.alphabet = ascii(alphabet, "alphabet");
  if (!options.own_alphabet && options.alphabet.empty()) refuse("alphabet: it is empty");
  read_table(table, options, pieces);
  if (kernel == insert_marks && options.nothing.count == 0) refuse("table: there are no marks");
  if (kernel == split_words && least < 2) refuse("least: expected at least 2");
  std::vector<Drafts> drafts(static_cast<std::size_t>(texts.count()));
  {
    const nb::gil_scoped_release released;
    Sentence sentence;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      sentence.text = texts.characters(static_cast<Py_ssize_t>(i));
      find_words(sentence.text, sentence.words);
      without_protected(sentence.words, work.guarded[i], sentence.free);
      Numbers numbers(work.streams[i]);
      kernel(sentence, work.rates[i], options, numbers, drafts[i]);
    }
  }
  const Writer writer(pieces);
  const Owned edits = checked(PyList_New(texts.count())), made = checked(PyList_New(texts.count()));
  for (Py_ssize_t i = 0; i < texts.count(); ++i) {
    const Drafts& own = drafts[static_cast<std::size_t>(i)];
    PyObject* list = writer.edits(texts[i], own).release();
    PyList_SET_ITEM(edits.get(), i, list);
    PyList_SET_ITEM(made.get(), i, own.empty() ? Py_NewRef(texts[i]) : Writer::text(texts[i], list, own).release());
  }
  return checked(PyTuple_Pack(2, edits.get(), made.get())).release();
}

}  // namespace

void define_texts(nb::module_& m) {
  m.def(
      "text_signs", [](nb::handle texts) { return nb::steal(guarded([&] { return text_signs(texts.ptr()); })); }, nb::arg("texts"));
  m.def(
      "text_words", [](nb::handle texts) { return nb::steal(guarded([&] { return text_words(texts.ptr()); })); }, nb::arg("texts"));
  m.def(
      "edit_texts",
      [](const char* kernel, nb::handle texts, nb::handle parts, nb::handle streams, nb::handle rates, nb::handle table,
         nb::handle alphabet, int least, bool stays) {
        return nb::steal(guarded([&] {
          return edit_texts(kernel, texts.ptr(), parts.ptr(), streams.ptr(), rates.ptr(), table.ptr(), alphabet.ptr(), least, stays);
        }));
      },
      nb::arg("kernel"), nb::arg("texts"), nb::arg("guarded"), nb::arg("streams"), nb::arg("rates"), nb::arg("table"),
      nb::arg("alphabet").none(), nb::arg("least"), nb::arg("stays"));
  m.def(
      "replaceable_words",
      [](nb::handle texts, nb::handle parts, nb::handle streams, nb::handle rates, nb::handle stop_words, nb::handle classes,
         nb::handle others, nb::handle known) {
        return nb::steal(guarded([&] {
          return replaceable_words(texts.ptr(), parts.ptr(), streams.ptr(), rates.ptr(), stop_words.ptr(), classes.ptr(), others.ptr(),
                                   known.ptr());
        }));
      },
      nb::arg("texts"), nb::arg("guarded"), nb::arg("streams"), nb::arg("rates"), nb::arg("stop_words"), nb::arg("classes"),
      nb::arg("others"), nb::arg("known"));
}

}  // namespace covary
