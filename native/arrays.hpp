// NumPy arrays read and made through Python's C interface.
#pragma once

#include <Python.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace covary {

// A Python exception is set; unwinds to the entry point.
struct PythonError {};

[[noreturn]] inline void refuse(const std::string& message) { throw std::invalid_argument(message); }

// An owned reference.
class Owned {
 public:
  Owned() = default;
  explicit Owned(PyObject* object) : object_(object) {}
  Owned(Owned&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { Py_XDECREF(object_); }
  PyObject* get() const { return object_; }
  PyObject* release() {
    PyObject* object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  PyObject* object_ = nullptr;
};

// An owned reference that is not null, or the Python error.
inline Owned checked(PyObject* object) {
  if (object == nullptr) throw PythonError{};
  return Owned(object);
}

// A module's attribute, found once and kept in `slot`, a static pointer that begins as null. Not a local static with an
// initialiser: the guard of such a one would be held while Python code runs, and that code may hand the GIL to a thread that
// waits for the guard.
inline PyObject* kept(PyObject*& slot, const char* module, const char* name) {
  if (slot == nullptr) {
    Owned found = checked(PyObject_GetAttrString(checked(PyImport_ImportModule(module)).get(), name));
    if (slot == nullptr) slot = found.release();
  }
  return slot;
}

// A view of an array's memory, held as long as this lives.
class View {
 public:
  View(PyObject* object, const std::string& name, bool writable = false) {
    const int flags = PyBUF_FORMAT | PyBUF_STRIDES | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, &buffer_, flags) != 0) {
      PyErr_Clear();
      refuse(name + ": expected " + (writable ? "a writable" : "an") + " array, got " + Py_TYPE(object)->tp_name);
    }
    const char* format = buffer_.format == nullptr ? "B" : buffer_.format;
    if (*format == '@' || *format == '=' || *format == '<') ++format;
    code_ = format[0] != '\0' && format[1] == '\0' ? format[0] : '\0';
    complex_float_ = format[0] == 'Z' && format[1] == 'f' && format[2] == '\0';
  }
  View(View&& other) noexcept : buffer_(other.buffer_), code_(other.code_), complex_float_(other.complex_float_) { other.buffer_.obj = nullptr; }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  View& operator=(View&&) = delete;
  ~View() {
    if (buffer_.obj != nullptr) PyBuffer_Release(&buffer_);
  }

  char code() const { return code_; }  // of the struct module; 0 for anything but one plain number
  bool complex_float() const { return complex_float_; }
  bool is_float() const { return code_ == 'f' || code_ == 'd' || code_ == 'e'; }
  bool is_signed() const { return code_ == 'b' || code_ == 'h' || code_ == 'i' || code_ == 'l' || code_ == 'q'; }
  bool is_unsigned() const { return code_ == 'B' || code_ == 'H' || code_ == 'I' || code_ == 'L' || code_ == 'Q'; }
  std::int64_t item() const { return buffer_.itemsize; }
  int dimensions() const { return buffer_.ndim; }
  std::int64_t shape(int axis) const { return buffer_.shape[axis]; }
  std::int64_t stride(int axis) const { return buffer_.strides[axis]; }
  void* data() const { return buffer_.buf; }

  bool contiguous() const { return PyBuffer_IsContiguous(&buffer_, 'C') != 0; }

  std::string shape_text() const {
    std::string text = "(";
    for (int axis = 0; axis < buffer_.ndim; ++axis) text += (axis > 0 ? ", " : "") + std::to_string(buffer_.shape[axis]);
    return text + (buffer_.ndim == 1 ? ",)" : ")");
  }

  // Refuses any other shape; -1 matches every length.
  void expect(const std::string& name, const std::vector<std::int64_t>& wanted) const {
    bool fits = static_cast<std::size_t>(buffer_.ndim) == wanted.size();
    for (std::size_t axis = 0; fits && axis < wanted.size(); ++axis)
      fits = wanted[axis] < 0 || wanted[axis] == buffer_.shape[axis];
    if (fits) return;
    std::string text = "(";
    for (std::size_t axis = 0; axis < wanted.size(); ++axis)
      text += (axis > 0 ? ", " : "") + (wanted[axis] < 0 ? std::string("any") : std::to_string(wanted[axis]));
    refuse(name + ": expected shape " + text + (wanted.size() == 1 ? ",)" : ")") + ", got " + shape_text());
  }

  // All numbers in C order as T; floats are refused where `integers` are wanted.
  template <class T>
  std::vector<T> numbers(const std::string& name, bool integers) const {
    if (integers ? !(is_signed() || is_unsigned() || code_ == '?') : !(is_float() || is_signed() || is_unsigned()) || code_ == 'e')
      refuse(name + ": expected " + (integers ? "integers" : "float32 or float64") + ", got elements of format '" +
             (buffer_.format == nullptr ? "B" : buffer_.format) + "'");
    std::vector<T> out(static_cast<std::size_t>(buffer_.len / (buffer_.itemsize > 0 ? buffer_.itemsize : 1)));
    if (out.empty()) return out;
    T* target = out.data();
    copy(0, static_cast<const char*>(buffer_.buf), target);
    return out;
  }

 private:
  template <class T>
  void copy(int axis, const char* from, T*& target) const {
    const std::int64_t n = axis == buffer_.ndim ? 1 : buffer_.shape[axis];
    if (axis + 1 < buffer_.ndim) {
      for (std::int64_t i = 0; i < n; ++i) copy(axis + 1, from + i * buffer_.strides[axis], target);
      return;
    }
    const std::int64_t step = buffer_.ndim == 0 ? 0 : buffer_.strides[axis];
    switch (code_) {
      case 'd': return convert<double>(from, n, step, target);
      case 'f': return convert<float>(from, n, step, target);
      case 'l': return convert<long>(from, n, step, target);
      case 'q': return convert<long long>(from, n, step, target);
      case 'i': return convert<int>(from, n, step, target);
      case 'h': return convert<short>(from, n, step, target);
      case 'b': return convert<signed char>(from, n, step, target);
      case 'L': return convert<unsigned long>(from, n, step, target);
      case 'Q': return convert<unsigned long long>(from, n, step, target);
      case 'I': return convert<unsigned>(from, n, step, target);
      case 'H': return convert<unsigned short>(from, n, step, target);
      default: return convert<unsigned char>(from, n, step, target);
    }
  }

  template <class From, class T>
  static void convert(const char* from, std::int64_t n, std::int64_t step, T*& target) {
    for (std::int64_t i = 0; i < n; ++i, from += step) {
      From value;
      __builtin_memcpy(&value, from, sizeof value);
      *target++ = static_cast<T>(value);
    }
  }

  Py_buffer buffer_{};
  char code_ = '\0';
  bool complex_float_ = false;
};

// A new uninitialised array on recycled memory where that pays. `dtype` is a NumPy dtype object.
Owned new_array(PyObject* dtype, std::int64_t item, const std::int64_t* shape, int dimensions);

}  // namespace covary
