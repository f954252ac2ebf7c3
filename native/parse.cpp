#include "parse.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "blocks.hpp"

namespace covary {

namespace {

// Names and types looked up once.
struct Names {
  PyObject *size, *coordinates, *border, *interpolation, *levels, *filter, *pixels, *values, *dtype, *layout;
  PyObject *change, *active, *matrix, *pivot, *table, *kernel_y, *kernel_x, *kernel, *scale, *mean, *stream, *per_channel;
  PyObject *amount, *salt, *rectangles, *count, *fill, *colour, *grids, *model, *variance, *slope, *gain, *law, *noise;
  PyObject *warp, *displace, *colour_type, *curve, *gaussian, *signal, *shade, *impulses, *erase, *fill_type;
};

PyObject* name_of(const char* text) {
  PyObject* name = PyUnicode_InternFromString(text);
  if (name == nullptr) throw PythonError{};
  return name;
}

// Made on first use, without a guard: see kept().
const Names& names() {
  static const Names* found = nullptr;
  if (found == nullptr) {
    Names n{};
    n.size = name_of("size");
    n.coordinates = name_of("coordinates");
    n.border = name_of("border");
    n.interpolation = name_of("interpolation");
    n.levels = name_of("levels");
    n.filter = name_of("filter");
    n.pixels = name_of("pixels");
    n.values = name_of("values");
    n.dtype = name_of("dtype");
    n.layout = name_of("layout");
    n.change = name_of("change");
    n.active = name_of("active");
    n.matrix = name_of("matrix");
    n.pivot = name_of("pivot");
    n.table = name_of("table");
    n.kernel_y = name_of("kernel_y");
    n.kernel_x = name_of("kernel_x");
    n.kernel = name_of("kernel");
    n.scale = name_of("scale");
    n.mean = name_of("mean");
    n.stream = name_of("stream");
    n.per_channel = name_of("per_channel");
    n.amount = name_of("amount");
    n.salt = name_of("salt");
    n.rectangles = name_of("rectangles");
    n.count = name_of("count");
    n.fill = name_of("fill");
    n.colour = name_of("colour");
    n.grids = name_of("grids");
    n.model = name_of("model");
    n.variance = name_of("variance");
    n.slope = name_of("slope");
    n.gain = name_of("gain");
    n.law = name_of("law");
    n.noise = name_of("noise");
    const Owned changes = checked(PyImport_ImportModule("covary.plan.changes"));
    const auto type = [&](const char* text) { return checked(PyObject_GetAttrString(changes.get(), text)).release(); };
    n.warp = type("Warp");
    n.displace = type("Displace");
    n.colour_type = type("Colour");
    n.curve = type("Curve");
    n.gaussian = type("GaussianField");
    n.signal = type("SignalNoise");
    n.shade = type("Shade");
    n.impulses = type("Impulses");
    n.erase = type("Erase");
    n.fill_type = type("Fill");
    if (found == nullptr) found = new Names(n);
  }
  return *found;
}

Owned attribute(PyObject* object, PyObject* name) { return checked(PyObject_GetAttr(object, name)); }

// A text attribute that must be one of `choices`; its place among them.
template <std::size_t N>
std::size_t choice(PyObject* object, PyObject* attribute_name, const std::string& name, const char* const (&choices)[N]) {
  const Owned value = attribute(object, attribute_name);
  if (PyUnicode_Check(value.get())) {
    for (std::size_t i = 0; i < N; ++i)
      if (PyUnicode_CompareWithASCIIString(value.get(), choices[i]) == 0) return i;
  }
  std::string allowed;
  for (const char* text : choices) allowed += (allowed.empty() ? "" : ", ") + std::string(text);
  const Owned shown = checked(PyObject_Repr(value.get()));
  const char* text = PyUnicode_AsUTF8(shown.get());
  refuse(name + ": got " + (text == nullptr ? "?" : text) + ", allowed are " + allowed);
}

// How much a batch may write for its readers to find it in the cache: a quarter of the last one, as its sources and the other
// cores want their part. Some systems name the sum of all last caches, of which a core has one, of 32 MB at most as a rule.
std::int64_t most_cached() {
  constexpr std::int64_t usual = std::int64_t{1} << 22;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  static const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);  // no Python here: see kept()
  return std::min(std::max<std::int64_t>(cache / 4, usual), 2 * usual);
#else
  return usual;
#endif
}

class Parser {
 public:
  explicit Parser(Request& request) : request_(request), program_(request.program) {}

  void run(PyObject* stages, PyObject* sources, PyObject* outputs, std::int64_t batch_bytes) {
    const Owned source_list = checked(PySequence_Fast(sources, "sources: expected a sequence of arrays"));
    batch_ = PySequence_Fast_GET_SIZE(source_list.get());
    parse_sources(source_list.get());
    const Owned stage_list = checked(PySequence_Fast(stages, "stages: expected a sequence"));
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(stage_list.get());
    if (n == 0) refuse("stages: expected at least one");
    program_.stages.resize(static_cast<std::size_t>(n));
    sizes_.reserve(static_cast<std::size_t>(batch_));
    for (const Picture& source : program_.sources) sizes_.push_back({source.height, source.width});
    for (Py_ssize_t i = 0; i < n; ++i) {
      where_ = n == 1 ? "stage" : "stages[" + std::to_string(i) + "]";
      parse_stage(PySequence_Fast_GET_ITEM(stage_list.get(), i), program_.stages[static_cast<std::size_t>(i)], i + 1 == n);
    }
    if (outputs == Py_None) {
      make_outputs();
    } else if (PyObject_CheckBuffer(outputs) != 0) {
      parse_stacked_outputs(outputs);
    } else {
      const Owned output_list = checked(PySequence_Fast(outputs, "outputs: expected a sequence of arrays"));
      parse_outputs(output_list.get());
    }
    // What is read and written would push itself out of the cache, long before anybody reads it.
    std::int64_t bytes = 0;
    for (const Picture& output : program_.outputs) bytes += output.bytes();
    const bool many = std::max(bytes, batch_bytes) > most_cached();
    // So would they where the results of other calls are all held: their memory has not been in the cache for long.
    for (Picture& output : program_.outputs)
      output.streamed = many || static_cast<std::int64_t>(handed_between(output.data)) > 2 * most_cached();
  }

 private:
  struct Size {
    std::int64_t height, width;
  };

  View& view(PyObject* object, const std::string& name, bool writable = false) {
    return request_.views.emplace_back(object, name, writable);
  }

  std::string field(const char* name) const { return where_ + "." + name; }

  std::vector<double> doubles(PyObject* object, PyObject* attribute_name, const std::string& name,
                              const std::vector<std::int64_t>& shape) {
    const Owned value = attribute(object, attribute_name);
    const View array(value.get(), name);
    array.expect(name, shape);
    return array.numbers<double>(name, false);
  }

  std::vector<std::int64_t> integers(PyObject* object, PyObject* attribute_name, const std::string& name,
                                     const std::vector<std::int64_t>& shape) {
    const Owned value = attribute(object, attribute_name);
    const View array(value.get(), name);
    array.expect(name, shape);
    return array.numbers<std::int64_t>(name, true);
  }

  std::vector<std::uint64_t> streams(PyObject* object, const std::string& name) {
    const Owned value = attribute(object, names().stream);
    const View array(value.get(), name);
    array.expect(name, {batch_});
    return array.numbers<std::uint64_t>(name, true);
  }

  void parse_sources(PyObject* list) {
    program_.sources.resize(static_cast<std::size_t>(batch_));
    for (Py_ssize_t b = 0; b < batch_; ++b) {
      const std::string name = "sources[" + std::to_string(b) + "]";
      PyObject* item = PySequence_Fast_GET_ITEM(list, b);
      View* array = &view(item, name);
      if (array->dimensions() != 3) refuse(name + ": expected shape (H, W, C), got " + array->shape_text());
      if (!array->contiguous()) {
        static PyObject* compact = nullptr;
    kept(compact, "numpy", "ascontiguousarray");
        request_.compact.push_back(checked(PyObject_CallOneArg(compact, item)));
        array = &view(request_.compact.back().get(), name);
      }
      Picture& picture = program_.sources[static_cast<std::size_t>(b)];
      picture = {static_cast<std::uint8_t*>(array->data()), array->shape(0), array->shape(1), array->shape(2),
                 element_of(*array, name), false};
      if (b == 0) {
        code_ = array->code();
        Owned dtype = checked(PyObject_GetAttrString(item, "dtype"));
        dtype_ = std::move(dtype);
        raw_type(*array);
      } else if (array->code() != code_ || picture.channels != program_.sources[0].channels) {
        refuse(name + ": all sources share one dtype and number of channels; this one differs from sources[0]");
      }
      if (picture.channels == 0) refuse(name + ": no channels, shape " + array->shape_text());
    }
  }

  static Element element_of(const View& array, const std::string& name) {
    const char code = array.code();
    if (code == 'B') return Element::u8;
    if (code == 'H') return Element::u16;
    if (code == 'f') return Element::f32;
    if (code != '\0' && (array.is_float() || array.is_signed() || array.is_unsigned() || code == '?')) {
      switch (array.item()) {
        case 1: return Element::raw1;
        case 2: return Element::raw2;
        case 4: return Element::raw4;
        case 8: return Element::raw8;
        default: break;
      }
    }
    refuse(name + ": elements of this dtype cannot be rendered; allowed are bool, integers and floats of 1, 2, 4 or 8 bytes");
  }

  void raw_type(const View& array) {
    RawType& raw = program_.raw;
    const int bits = static_cast<int>(8 * array.item());
    raw.floating = array.is_float();
    raw.truth = array.code() == '?';
    raw.is_signed = array.is_signed();
    const auto power = [](int exponent) { return std::ldexp(1.0, exponent); };
    raw.low = raw.is_signed ? -power(bits - 1) : 0.0;
    raw.high = raw.is_signed ? power(bits - 1) - 1.0 : power(bits) - 1.0;
  }

  std::int64_t channels() const { return batch_ == 0 ? 0 : program_.sources[0].channels; }
  Element element() const { return batch_ == 0 ? Element::u8 : program_.sources[0].element; }
  bool is_raw() const { return element() >= Element::raw1; }

  void parse_stage(PyObject* object, Stage& stage, bool last) {
    const Names& n = names();
    if (attribute(object, n.pixels).get() != Py_None) refuse(field("pixels") + ": a function is not rendered here");
    stage.size = integers(object, n.size, field("size"), {batch_, 2});
    constexpr std::int64_t most = std::int64_t{1} << 30;
    for (const std::int64_t length : stage.size)
      if (length < 0 || length > most) refuse(field("size") + ": lengths must lie in 0 .. 2**30, got " + std::to_string(length));
    stage.border = static_cast<Border>(
        choice(object, n.border, field("border"), {"constant", "edge", "reflect", "symmetric", "wrap"}));
    stage.interpolation =
        static_cast<Interpolation>(choice(object, n.interpolation, field("interpolation"), {"nearest", "linear", "cubic"}));
    stage.planar = choice(object, n.layout, field("layout"), {"HWC", "CHW"}) == 1;
    const Owned dtype = attribute(object, n.dtype);
    if (dtype.get() != Py_None) {
      if (!PyUnicode_Check(dtype.get()) || PyUnicode_CompareWithASCIIString(dtype.get(), "float32") != 0)
        refuse(field("dtype") + ": allowed are None and 'float32'");
      stage.as_float = true;
    }
    if (!last && (stage.planar || (stage.as_float && element() != Element::f32)))
      refuse(field(stage.planar ? "layout" : "dtype") + ": only the last stage may change it");

    parse_coordinates(object, stage);
    const Owned levels = attribute(object, n.levels);
    if (levels.get() != Py_None) {
      stage.levels = integers(object, n.levels, field("levels"), {batch_, 2});
      bool any = false;
      for (const std::int64_t times : stage.levels) {
        if (times < 0 || times > 30) refuse(field("levels") + ": allowed are 0 .. 30, got " + std::to_string(times));
        any = any || times > 0;
      }
      if (!any) stage.levels.clear();
    }
    parse_filter(object, stage);
    parse_values(object, stage);
    check_sizes(stage);
    if (is_raw()) {
      bool fits = stage.filter.kind == Filter::Kind::none && stage.levels.empty() && !stage.as_float;
      fits = fits && (stage.coordinates.empty() || stage.interpolation == Interpolation::nearest);
      for (const Value& value : stage.values) fits = fits && value.kind == Value::Kind::fill;
      if (!fits)
        refuse(where_ + ": sources of a dtype other than uint8, uint16 and float32 can only be sampled with 'nearest' and filled");
    }
  }

  void parse_coordinates(PyObject* object, Stage& stage) {
    const Names& n = names();
    const Owned tuple = attribute(object, n.coordinates);
    const Owned list = checked(PySequence_Fast(tuple.get(), "coordinates: expected a sequence"));
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(list.get());
    stage.coordinates.resize(static_cast<std::size_t>(count));
    for (Py_ssize_t k = 0; k < count; ++k) {
      PyObject* item = PySequence_Fast_GET_ITEM(list.get(), k);
      Coordinate& coordinate = stage.coordinates[static_cast<std::size_t>(k)];
      const auto* type = reinterpret_cast<PyObject*>(Py_TYPE(item));
      if (type == n.warp) {
        coordinate.warp = true;
        coordinate.matrix = doubles(item, n.matrix, field("coordinates.matrix"), {batch_, 3, 3});
        coordinate.size = integers(item, n.size, field("coordinates.size"), {batch_, 2});
      } else if (type == n.displace) {
        const Owned grids = attribute(item, n.grids);
        const Owned grid_list = checked(PySequence_Fast(grids.get(), "grids: expected a sequence"));
        if (PySequence_Fast_GET_SIZE(grid_list.get()) != batch_)
          refuse(field("coordinates.grids") + ": expected " + std::to_string(batch_) + ", got " +
                 std::to_string(PySequence_Fast_GET_SIZE(grid_list.get())));
        for (std::int64_t b = 0; b < batch_; ++b)
          coordinate.grids.push_back(grid_of(PySequence_Fast_GET_ITEM(grid_list.get(), b)));
      } else {
        refuse(field("coordinates") + ": expected Warp or Displace, got " + Py_TYPE(item)->tp_name);
      }
    }
  }

  Grid grid_of(PyObject* object) {
    const std::string name = field("coordinates.grids");
    const View& array = view(object, name);
    array.expect(name, {-1, -1, 2});
    if (array.shape(0) == 0 || array.shape(1) == 0) refuse(name + ": needs at least one knot, got shape " + array.shape_text());
    return {floats(array, name), array.shape(0), array.shape(1), 0};
  }

  Grid shade_of(PyObject* object, std::int64_t channels) {
    const std::string name = field("Shade.grids");
    const View& array = view(object, name);
    array.expect(name, {-1, -1, 2, -1});
    if (array.shape(3) != 1 && array.shape(3) != channels) array.expect(name, {-1, -1, 2, channels});
    if (array.shape(0) == 0 || array.shape(1) == 0) refuse(name + ": needs at least one knot, got shape " + array.shape_text());
    return {floats(array, name), array.shape(0), array.shape(1), array.shape(3)};
  }

  // The array's own memory where it is compact float32, else a copy that lives with the request.
  const float* floats(const View& array, const std::string& name) {
    if (array.code() == 'f' && array.contiguous() && reinterpret_cast<std::uintptr_t>(array.data()) % alignof(float) == 0)
      return static_cast<const float*>(array.data());
    return request_.copies.emplace_back(array.numbers<float>(name, false)).data();
  }

  void parse_filter(PyObject* object, Stage& stage) {
    const Names& n = names();
    const Owned filter = attribute(object, n.filter);
    if (filter.get() == Py_None) return;
    if (!stage.coordinates.empty() || !stage.levels.empty()) refuse(field("filter") + ": a filter stage has no coordinates or levels");
    const Owned kernel = attribute(filter.get(), n.kernel);
    Filter& f = stage.filter;
    const auto odd = [&](const char* name, std::int64_t length) {
      if (length % 2 == 0) refuse(field(name) + ": lengths must be odd, got " + std::to_string(length));
      return length;
    };
    if (kernel.get() != Py_None) {
      const View array(kernel.get(), field("filter.kernel"));
      array.expect(field("filter.kernel"), {batch_, -1, -1});
      f.kind = Filter::Kind::full;
      f.taps_y = odd("filter.kernel", array.shape(1));
      f.taps_x = odd("filter.kernel", array.shape(2));
      f.full = array.numbers<double>(field("filter.kernel"), false);
      return;
    }
    const auto taps = [&](PyObject* attribute_name, const char* name, std::int64_t& count) {
      const Owned value = attribute(filter.get(), attribute_name);
      const View array(value.get(), field(name));
      array.expect(field(name), {batch_, -1});
      count = odd(name, array.shape(1));
      return array.numbers<double>(field(name), false);
    };
    f.kind = Filter::Kind::separable;
    f.y = taps(n.kernel_y, "filter.kernel_y", f.taps_y);
    f.x = taps(n.kernel_x, "filter.kernel_x", f.taps_x);
  }

  void parse_values(PyObject* object, Stage& stage) {
    const Names& n = names();
    const Owned tuple = attribute(object, n.values);
    const Owned list = checked(PySequence_Fast(tuple.get(), "values: expected a sequence"));
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(list.get());
    stage.values.resize(static_cast<std::size_t>(count));
    for (Py_ssize_t k = 0; k < count; ++k) {
      PyObject* step = PySequence_Fast_GET_ITEM(list.get(), k);
      Value& value = stage.values[static_cast<std::size_t>(k)];
      const Owned active = attribute(step, n.active);
      if (active.get() != Py_None) {
        const View array(active.get(), field("values.active"));
        array.expect(field("values.active"), {batch_});
        value.active = array.numbers<std::uint8_t>(field("values.active"), true);
      }
      const Owned change = attribute(step, n.change);
      parse_value(change.get(), value);
    }
  }

  // One array for all samples, or a tuple of one for each.
  void parse_tables(PyObject* tables, Value& value) {
    const std::string name = field("Curve.table");
    const std::int64_t length = element() == Element::u8 ? 256 : 65536, c = channels();
    value.table_length = length;
    if (!PyTuple_Check(tables)) {
      const View& array = view(tables, name);
      array.expect(name, {batch_, -1, length});
      value.table_channels = array.shape(1);
      if (value.table_channels != 1) array.expect(name, {batch_, c, length});
      const float* first = floats(array, name);
      for (std::int64_t b = 0; b < batch_; ++b) value.tables.push_back(first + b * value.table_channels * length);
      return;
    }
    if (PyTuple_GET_SIZE(tables) != batch_)
      refuse(name + ": expected " + std::to_string(batch_) + " tables, got " + std::to_string(PyTuple_GET_SIZE(tables)));
    for (std::int64_t b = 0; b < batch_; ++b) {
      const View& array = view(PyTuple_GET_ITEM(tables, b), name);
      array.expect(name, {b == 0 ? -1 : value.table_channels, length});
      value.table_channels = array.shape(0);
      if (value.table_channels != 1) array.expect(name, {c, length});
      value.tables.push_back(floats(array, name));
    }
  }

  void parse_value(PyObject* change, Value& value) {
    const Names& n = names();
    const std::int64_t c = channels();
    const auto* type = reinterpret_cast<PyObject*>(Py_TYPE(change));
    if (type == n.colour_type) {
      value.kind = Value::Kind::colour;
      value.matrix = doubles(change, n.matrix, field("Colour.matrix"), {batch_, c, c + 1});
      if (attribute(change, n.pivot).get() != Py_None) value.pivot = doubles(change, n.pivot, field("Colour.pivot"), {batch_, c});
    } else if (type == n.curve) {
      value.kind = Value::Kind::curve;
      parse_tables(attribute(change, n.table).get(), value);
    } else if (type == n.shade) {
      value.kind = Value::Kind::shade;
      const Owned grids = attribute(change, n.grids);
      const Owned list = checked(PySequence_Fast(grids.get(), "grids: expected a sequence"));
      if (PySequence_Fast_GET_SIZE(list.get()) != batch_)
        refuse(field("Shade.grids") + ": expected " + std::to_string(batch_) + ", got " +
               std::to_string(PySequence_Fast_GET_SIZE(list.get())));
      for (std::int64_t b = 0; b < batch_; ++b)
        value.shades.push_back(shade_of(PySequence_Fast_GET_ITEM(list.get(), b), c));
    } else if (type == n.gaussian) {
      value.kind = Value::Kind::gaussian;
      value.scale = doubles(change, n.scale, field("GaussianField.scale"), {batch_});
      value.mean = doubles(change, n.mean, field("GaussianField.mean"), {batch_});
      value.stream = streams(change, field("GaussianField.stream"));
      value.per_channel = truth(change, n.per_channel);
      need_gaussian_table();
    } else if (type == n.signal) {
      value.kind = Value::Kind::signal;
      value.model = static_cast<Value::Model>(choice(change, n.model, field("SignalNoise.model"), {"additive", "magnitude", "counts"}));
      value.variance = doubles(change, n.variance, field("SignalNoise.variance"), {batch_});
      value.slope = doubles(change, n.slope, field("SignalNoise.slope"), {batch_});
      value.gain = doubles(change, n.gain, field("SignalNoise.gain"), {batch_});
      value.stream = streams(change, field("SignalNoise.stream"));
      value.per_channel = truth(change, n.per_channel);
      const Owned law = attribute(change, n.law);
      if (law.get() != Py_None) {
        const View& array = view(law.get(), field("SignalNoise.law"));
        array.expect(field("SignalNoise.law"), {batch_, 6, 16});
        value.law = floats(array, field("SignalNoise.law"));
      }
      need_gaussian_table();
    } else if (type == n.impulses) {
      value.kind = Value::Kind::impulses;
      value.amount = doubles(change, n.amount, field("Impulses.amount"), {batch_});
      value.salt = doubles(change, n.salt, field("Impulses.salt"), {batch_});
      value.stream = streams(change, field("Impulses.stream"));
      value.per_channel = truth(change, n.per_channel);
      value.noise = truth(change, n.noise);
      if (attribute(change, n.colour).get() != Py_None)
        value.colour = doubles(change, n.colour, field("Impulses.colour"), {batch_, c});
    } else if (type == n.erase) {
      value.kind = Value::Kind::erase;
      value.rectangles = integers(change, n.rectangles, field("Erase.rectangles"), {batch_, -1, 4});
      value.rectangles_per_sample = batch_ == 0 ? 0 : static_cast<std::int64_t>(value.rectangles.size()) / (4 * batch_);
      value.count = integers(change, n.count, field("Erase.count"), {batch_});
      for (const std::int64_t count : value.count)
        if (count < 0 || count > value.rectangles_per_sample)
          refuse(field("Erase.count") + ": must lie in 0 .. " + std::to_string(value.rectangles_per_sample) + ", got " +
                 std::to_string(count));
      value.noise = choice(change, n.fill, field("Erase.fill"), {"constant", "noise"}) == 1;
      if (value.noise) {
        value.stream = streams(change, field("Erase.stream"));
      } else {
        value.colour = doubles(change, n.colour, field("Erase.colour"), {batch_, c});
      }
    } else if (type == n.fill_type) {
      value.kind = Value::Kind::fill;
      value.colour = doubles(change, n.colour, field("Fill.colour"), {batch_, c});
    } else {
      refuse(field("values") + ": " + Py_TYPE(change)->tp_name + " is no change of value");
    }
  }

  static bool truth(PyObject* object, PyObject* attribute_name) {
    const int found = PyObject_IsTrue(attribute(object, attribute_name).get());
    if (found < 0) throw PythonError{};
    return found == 1;
  }

  // Made on first use; lives as long as the interpreter.
  void need_gaussian_table() {
    static PyObject* table = nullptr;
    kept(table, "covary.draws.streams", "GAUSSIAN_TABLE");
    if (program_.gaussian_table != nullptr) return;
    const View& array = view(table, "GAUSSIAN_TABLE");
    array.expect("GAUSSIAN_TABLE", {3, 16});
    program_.gaussian_table = floats(array, "GAUSSIAN_TABLE");
  }

  // Sizes follow from source to output: each stage's geometry must end in its own size.
  void check_sizes(const Stage& stage) {
    const Coordinate* warp = nullptr;
    for (const Coordinate& coordinate : stage.coordinates)
      if (coordinate.warp) warp = &coordinate;
    for (std::int64_t b = 0; b < batch_; ++b) {
      Size& size = sizes_[static_cast<std::size_t>(b)];
      const std::int64_t height = stage.size[static_cast<std::size_t>(2 * b)];
      const std::int64_t width = stage.size[static_cast<std::size_t>(2 * b + 1)];
      const std::int64_t* expected = warp == nullptr ? nullptr : &warp->size[static_cast<std::size_t>(2 * b)];
      std::int64_t from_height = expected == nullptr ? size.height : expected[0];
      std::int64_t from_width = expected == nullptr ? size.width : expected[1];
      if (height != from_height || width != from_width)
        refuse(field("size") + ": sample " + std::to_string(b) + " is " + std::to_string(from_height) + " x " +
               std::to_string(from_width) + " after the stage's geometry, got " + std::to_string(height) + " x " +
               std::to_string(width));
      if ((size.height == 0 || size.width == 0) && height > 0 && width > 0)
        refuse(field("size") + ": sample " + std::to_string(b) + " is empty and has no pixels to show");
      if (height > 0 && width > std::numeric_limits<std::int64_t>::max() / 64 / height / std::max<std::int64_t>(channels(), 1))
        refuse(field("size") + ": too large");
      size = {height, width};
    }
  }

  Picture output_picture(std::int64_t b) const {
    const Stage& stage = program_.stages.back();
    Picture picture;
    picture.height = stage.size[static_cast<std::size_t>(2 * b)];
    picture.width = stage.size[static_cast<std::size_t>(2 * b + 1)];
    picture.channels = channels();
    picture.element = stage.as_float ? Element::f32 : element();
    picture.planar = stage.planar;
    return picture;
  }

  static void shape_of(const Picture& picture, std::int64_t shape[3]) {
    shape[0] = picture.planar ? picture.channels : picture.height;
    shape[1] = picture.planar ? picture.height : picture.width;
    shape[2] = picture.planar ? picture.width : picture.channels;
  }

  void make_outputs() {
    static PyObject* float32 = nullptr;
    kept(float32, "numpy", "float32");
    for (std::int64_t b = 0; b < batch_; ++b) {
      Picture picture = output_picture(b);
      std::int64_t shape[3];
      shape_of(picture, shape);
      PyObject* dtype = picture.element == Element::f32 ? float32 : dtype_.get();
      request_.outputs.push_back(new_array(dtype, element_size(picture.element), shape, 3));
      picture.data = static_cast<std::uint8_t*>(view(request_.outputs.back().get(), "outputs", true).data());
      program_.outputs.push_back(picture);
    }
  }

  void parse_outputs(PyObject* list) {
    expect_batch(PySequence_Fast_GET_SIZE(list));
    for (std::int64_t b = 0; b < batch_; ++b) {
      const std::string name = "outputs[" + std::to_string(b) + "]";
      const View& array = view(PySequence_Fast_GET_ITEM(list, b), name, true);
      Picture picture = output_picture(b);
      std::int64_t shape[3];
      shape_of(picture, shape);
      array.expect(name, {shape[0], shape[1], shape[2]});
      expect_values_of(picture, array, name);
      picture.data = static_cast<std::uint8_t*>(array.data());
      program_.outputs.push_back(picture);
    }
  }

  // One array for all: a view for each picture costs more than what is done to a small one.
  void parse_stacked_outputs(PyObject* stacked) {
    const View& array = view(stacked, "outputs", true);
    if (array.dimensions() != 4) refuse("outputs: expected one array for each source or all in one of four axes, got shape " + array.shape_text());
    expect_batch(array.shape(0));
    for (std::int64_t b = 0; b < batch_; ++b) {
      Picture picture = output_picture(b);
      std::int64_t shape[3];
      shape_of(picture, shape);
      array.expect("outputs", {batch_, shape[0], shape[1], shape[2]});
      if (b == 0) expect_values_of(picture, array, "outputs");
      picture.data = static_cast<std::uint8_t*>(array.data()) + b * picture.bytes();
      program_.outputs.push_back(picture);
    }
  }

  void expect_batch(std::int64_t arrays) const {
    if (arrays != batch_) refuse("outputs: expected " + std::to_string(batch_) + " arrays, got " + std::to_string(arrays));
  }

  void expect_values_of(const Picture& picture, const View& array, const std::string& name) const {
    const char code = picture.element == Element::f32 ? 'f' : code_;
    if (array.code() != code || !array.contiguous()) refuse(name + ": expected a C-contiguous array of the stage's output dtype");
  }

  Request& request_;
  Program& program_;
  std::string where_;
  std::int64_t batch_ = 0;
  std::vector<Size> sizes_;
  Owned dtype_;
  char code_ = '\0';
};

}  // namespace

void parse(PyObject* stages, PyObject* sources, PyObject* outputs, std::int64_t batch_bytes, Request& request) {
  Parser(request).run(stages, sources, outputs, batch_bytes);
}

}  // namespace covary
