// What Python gives, checked.
#include "texts.hpp"

#include <limits>

namespace covary {

namespace {

std::vector<Part> read_parts(PyObject* row, Place length) {
  std::vector<Part> parts;
  if (!PyList_Check(row)) refuse("guarded: expected lists");
  Place last = 0;
  for (Py_ssize_t k = 0; k < PyList_GET_SIZE(row); ++k) {
    PyObject* pair = PyList_GET_ITEM(row, k);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) refuse("guarded: expected pairs");
    const long start = PyLong_AsLong(PyTuple_GET_ITEM(pair, 0)), end = PyLong_AsLong(PyTuple_GET_ITEM(pair, 1));
    if (PyErr_Occurred() != nullptr) throw PythonError{};
    if (start < last || end < start || end > length) refuse("guarded: parts out of order or outside the text");
    last = static_cast<Place>(end);
    parts.push_back({static_cast<Place>(start), last});
  }
  return parts;
}

}  // namespace

Texts::Texts(PyObject* object) : held_(checked(PySequence_Tuple(object))) {
  characters_.reserve(static_cast<std::size_t>(count()));
  for (Py_ssize_t i = 0; i < count(); ++i) {
    PyObject* text = (*this)[i];
    if (!PyUnicode_Check(text) || !PyUnicode_IS_ASCII(text)) refuse("texts[" + std::to_string(i) + "]: expected an ASCII string");
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length > std::numeric_limits<Place>::max() / 2) refuse("texts[" + std::to_string(i) + "]: longer than 2**30 characters");
    characters_.push_back({static_cast<const char*>(PyUnicode_DATA(text)), static_cast<Place>(length)});
  }
}

Work::Work(const Texts& texts, PyObject* guarded_object, PyObject* streams_object, PyObject* rates_object) {
  const Owned rows = checked(PySequence_Fast(guarded_object, "guarded: expected a sequence"));
  if (PySequence_Fast_GET_SIZE(rows.get()) != texts.count()) refuse("guarded: expected one entry for each text");
  guarded.reserve(static_cast<std::size_t>(texts.count()));
  for (Py_ssize_t i = 0; i < texts.count(); ++i)
    guarded.push_back(read_parts(PySequence_Fast_GET_ITEM(rows.get(), i), texts.characters(i).length));
  const View streams_view(streams_object, "streams"), rates_view(rates_object, "rates");
  streams_view.expect("streams", {texts.count()});
  rates_view.expect("rates", {texts.count()});
  streams = streams_view.numbers<std::uint64_t>("streams", true);
  rates = rates_view.numbers<double>("rates", false);
  for (const double rate : rates)
    if (!(rate >= 0 && rate <= 1)) refuse("rates: expected numbers from 0 to 1");
}

std::vector<char> ascii(PyObject* object, const std::string& name) {
  if (!PyUnicode_Check(object) || !PyUnicode_IS_ASCII(object)) refuse(name + ": expected an ASCII string");
  const auto* data = static_cast<const char*>(PyUnicode_DATA(object));
  return {data, data + PyUnicode_GET_LENGTH(object)};
}

}  // namespace covary
