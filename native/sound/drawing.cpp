// The part of covary._native that draws sounds in one go, see draw.hpp.
#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <vector>

#include "../guarded.hpp"
#include "../program.hpp"
#include "draw.hpp"
#include "module.hpp"

namespace nb = nanobind;

namespace covary {

namespace {

constexpr std::int64_t most_channels = 256;

// The views that a call reads, held until it is done.
using Views = std::vector<View>;

PyObject* item_of(PyObject* step, Py_ssize_t place) {
  if (!PyTuple_Check(step) || PyTuple_GET_SIZE(step) <= place) refuse("steps: a step has too few parts");
  return PyTuple_GET_ITEM(step, place);
}

// A whole array of numbers of 8 bytes.
const View& numbers_of(PyObject* object, const char* name, const std::vector<std::int64_t>& shape, bool integers, Views& views) {
  views.emplace_back(object, name);
  const View& view = views.back();
  view.expect(name, shape);
  if (view.item() != 8 || !(integers ? view.is_signed() : view.code() == 'd'))
    refuse(std::string(name) + ": expected " + (integers ? "int64" : "float64"));
  if (!view.contiguous()) refuse(std::string(name) + ": must be contiguous");
  return view;
}

const double* floats_of(PyObject* object, const char* name, std::int64_t samples, Views& views) {
  return static_cast<const double*>(numbers_of(object, name, {samples}, false, views).data());
}

// One step of all sounds.
struct Step {
  SoundStep kind = SoundStep::gain;
  const bool* active = nullptr;  // null for all
  const double* knots = nullptr;
  const double* values = nullptr;
  std::int64_t count = 0;
  const std::int64_t* lengths = nullptr;
  const std::int64_t* fades = nullptr;
  const double* first = nullptr;
  const double* second = nullptr;
  bool joins = false;  // gain: whether it becomes one with a gain right before it
  bool only_above = false;

  SoundPass of_sound(std::int64_t row) const {
    SoundPass pass{kind};
    pass.count = count;
    if (knots != nullptr) pass.knots = knots + row * count * (kind == SoundStep::cut ? 4 : 1);
    if (values != nullptr) pass.values = values + row * count;
    if (lengths != nullptr) pass.length = lengths[row];
    if (fades != nullptr) pass.fade = fades[row];
    if (first != nullptr) pass.first = first[row];
    if (second != nullptr) pass.second = second[row];
    if (only_above) pass.second = 1;
    return pass;
  }
};

Step step_of(PyObject* object, std::int64_t samples, Views& views) {
  Step step;
  PyObject* name_object = item_of(object, 0);
  const char* name = PyUnicode_Check(name_object) ? PyUnicode_AsUTF8(name_object) : nullptr;
  if (name == nullptr) refuse("steps: a step begins with its name");
  const std::string kind = name;
  PyObject* active = item_of(object, 1);
  if (active != Py_None) {
    views.emplace_back(active, "active");
    const View& view = views.back();
    view.expect("active", {samples});
    if (view.code() != '?' || !view.contiguous()) refuse("active: expected a whole array of bool");
    step.active = static_cast<const bool*>(view.data());
  }
  const auto number = [&](Py_ssize_t place, const char* field) { return floats_of(item_of(object, place), field, samples, views); };
  if (kind == "cut") {
    step.kind = SoundStep::cut;
    const View& pieces = numbers_of(item_of(object, 2), "pieces", {samples, -1, 4}, false, views);
    step.knots = static_cast<const double*>(pieces.data());
    step.count = pieces.shape(1);
    step.lengths = static_cast<const std::int64_t*>(numbers_of(item_of(object, 3), "length", {samples}, true, views).data());
    if (item_of(object, 4) != Py_None)
      step.fades = static_cast<const std::int64_t*>(numbers_of(item_of(object, 4), "fade", {samples}, true, views).data());
    for (std::int64_t row = 0; row < samples; ++row)
      if (step.lengths[row] < 0) refuse("length: must not be negative");
  } else if (kind == "gain") {
    step.kind = SoundStep::gain;
    step.first = number(2, "factor");
    step.joins = item_of(object, 3) == Py_True;
  } else if (kind == "envelope") {
    step.kind = SoundStep::envelope;
    const View& position = numbers_of(item_of(object, 2), "position", {samples, -1}, false, views);
    step.knots = static_cast<const double*>(position.data());
    step.count = position.shape(1);
    const auto count = step.count;
    step.values = static_cast<const double*>(numbers_of(item_of(object, 3), "value", {samples, count}, false, views).data());
    if (count < 1) refuse("position: expected one knot at least");
    for (std::int64_t row = 0; row < samples; ++row)
      for (std::int64_t k = 1; k < count; ++k)
        if (!(step.knots[row * count + k - 1] <= step.knots[row * count + k])) refuse("position: knots must ascend");
  } else if (kind == "peak") {
    step.kind = SoundStep::peak;
    step.first = number(2, "target");
    step.only_above = item_of(object, 3) == Py_True;
  } else if (kind == "clamp") {
    step.kind = SoundStep::clamp;
    step.first = number(2, "low");
    step.second = number(3, "high");
  } else if (kind == "quantise") {
    step.kind = SoundStep::quantise;
    step.first = number(2, "half");
  } else {
    refuse("steps: unknown step '" + kind + "'");
  }
  return step;
}

PyObject* ndarray() {
  static PyObject* found = nullptr;
  return kept(found, "numpy", "ndarray");
}

bool is_array(PyObject* object) { return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(ndarray())) != 0; }

bool has_form(const View& view) {
  return (view.dimensions() == 1 || (view.dimensions() == 2 && view.shape(0) >= 1 && view.shape(0) <= most_channels)) &&
         reinterpret_cast<std::uintptr_t>(view.data()) % static_cast<std::uintptr_t>(view.item()) == 0;
}

// The dtypes of sounds; false for any other.
bool element_of(const View& view, SoundElement& element) {
  switch (view.code()) {
    case 'f': element = SoundElement::f32; return true;
    case 'd': element = SoundElement::f64; return true;
    case 'h': element = SoundElement::i16; return true;
    case 'i': element = SoundElement::i32; return view.item() == 4;
    default: return false;
  }
}

// Whether a sound can be drawn here: its samples stand next to each other.
bool job_of(const View& view, SoundJob& job) {
  if (!has_form(view) || !element_of(view, job.element)) return false;
  const int last = view.dimensions() - 1;
  if (view.shape(last) > 1 && view.stride(last) != view.item()) return false;
  job.wave = view.data();
  job.length = view.shape(last);
  job.channels = last == 0 ? 1 : view.shape(0);
  if (job.channels > 1) {
    if (view.stride(0) % view.item() != 0) return false;
    job.wave_step = view.stride(0) / view.item();
  }
  return true;
}

// Whether a sound may be computed in float32: what is only moved keeps every digit.
bool may_round(const SoundJob& job) {
  if (job.element == SoundElement::f32 || job.element == SoundElement::i16) return true;
  return std::any_of(job.passes.begin(), job.passes.end(), [](const SoundPass& pass) { return pass.kind != SoundStep::cut || pass.fade > 0; });
}

// NumPy's dtype of sounds.
PyObject* dtype_of(SoundElement element) {
  static constexpr const char* names[] = {"float32", "float64", "int16", "int32"};
  static PyObject* found[4] = {};
  PyObject*& one = found[static_cast<int>(element)];
  if (one == nullptr) {
    static PyObject* dtype = nullptr;
    kept(dtype, "numpy", "dtype");
    const Owned name = checked(PyUnicode_FromString(names[static_cast<int>(element)]));
    Owned made = checked(PyObject_CallOneArg(dtype, name.get()));
    if (one == nullptr) one = made.release();
  }
  return one;
}

std::vector<SoundPass> passes_of(const std::vector<Step>& steps, std::int64_t row) {
  std::vector<SoundPass> passes;
  passes.reserve(steps.size());
  for (const Step& step : steps) {
    if (step.active != nullptr && !step.active[row]) continue;
    const SoundPass pass = step.of_sound(row);
    if (step.joins && !passes.empty() && passes.back().kind == SoundStep::gain)
      passes.back().first *= pass.first;
    else
      passes.push_back(pass);
  }
  return passes;
}

// The sounds as new arrays; None for those that cannot be drawn here, or hold what is no finite number.
PyObject* drawn(PyObject* sounds_object, PyObject* steps_object, PyObject* chosen_object, int threads, bool simd) {
  const Owned sounds = checked(PySequence_Fast(sounds_object, "sounds: expected a sequence of arrays"));
  const Owned described = checked(PySequence_Fast(steps_object, "steps: expected a sequence of tuples"));
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sounds.get());
  Views views;
  std::vector<Step> steps;
  for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(described.get()); ++k)
    steps.push_back(step_of(PySequence_Fast_GET_ITEM(described.get(), k), count, views));
  const bool* chosen = nullptr;
  if (chosen_object != Py_None) {
    views.emplace_back(chosen_object, "chosen");
    views.back().expect("chosen", {count});
    if (views.back().code() != '?' || !views.back().contiguous()) refuse("chosen: expected a whole array of bool");
    chosen = static_cast<const bool*>(views.back().data());
  }
  const Owned made = checked(PyList_New(count));
  std::vector<SoundJob> jobs;
  std::vector<Py_ssize_t> rows;
  for (Py_ssize_t row = 0; row < count; ++row) {
    PyList_SET_ITEM(made.get(), row, Py_NewRef(Py_None));
    PyObject* sound = PySequence_Fast_GET_ITEM(sounds.get(), row);
    if ((chosen != nullptr && !chosen[row]) || !is_array(sound)) continue;
    SoundJob job;
    try {
      View view(sound, "sound");
      if (!job_of(view, job)) continue;
      views.push_back(std::move(view));
    } catch (const std::invalid_argument&) {
      continue;
    }
    job.passes = passes_of(steps, row);
    if (!may_round(job)) continue;
    job.out_length = job.length;
    for (const SoundPass& pass : job.passes)
      if (pass.kind == SoundStep::cut) job.out_length = pass.length;
    const bool flat = views.back().dimensions() == 1;
    const std::int64_t shape[2] = {flat ? job.out_length : job.channels, job.out_length};
    Owned out = new_array(dtype_of(job.element), views.back().item(), shape, flat ? 1 : 2);
    job.out = View(out.get(), "out", true).data();
    PyList_SetItem(made.get(), row, out.release());
    jobs.push_back(std::move(job));
    rows.push_back(row);
  }
  std::vector<char> good(jobs.size(), 0);
  {
    const nb::gil_scoped_release released;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    const auto work = [&] {
      try {
        for (std::size_t at = next++; at < jobs.size(); at = next++) {
#if defined(COVARY_AVX2)
          if (simd) {
            good[at] = avx2::draw(jobs[at]) ? 1 : 0;
            continue;
          }
#endif
          good[at] = portable::draw(jobs[at]) ? 1 : 0;
        }
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    };
    share_out(work, std::min<std::int64_t>(threads, static_cast<std::int64_t>(jobs.size())) - 1);
    if (failed) throw std::bad_alloc();
  }
  (void)simd;
  for (std::size_t at = 0; at < jobs.size(); ++at)
    if (!good[at]) PyList_SetItem(made.get(), rows[at], Py_NewRef(Py_None));
  return Py_NewRef(made.get());
}

// Channels and samples of each sound, (B, 2) int64; None where one of them is no array of a form and dtype that sounds have.
PyObject* sizes_of(PyObject* sounds_object) {
  const Owned sounds = checked(PySequence_Fast(sounds_object, "sounds: expected a sequence"));
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sounds.get());
  static PyObject* int64 = nullptr;
  kept(int64, "numpy", "int64");
  const std::int64_t shape[2] = {count, 2};
  Owned out = new_array(int64, sizeof(std::int64_t), shape, 2);
  auto* sizes = static_cast<std::int64_t*>(View(out.get(), "out", true).data());
  for (Py_ssize_t row = 0; row < count; ++row) {
    PyObject* sound = PySequence_Fast_GET_ITEM(sounds.get(), row);
    if (!is_array(sound)) return Py_NewRef(Py_None);
    try {
      const View view(sound, "sound");
      SoundElement element;
      if (!element_of(view, element) || !has_form(view)) return Py_NewRef(Py_None);
      sizes[2 * row] = view.dimensions() == 2 ? view.shape(0) : 1;
      sizes[2 * row + 1] = view.shape(view.dimensions() - 1);
    } catch (const std::invalid_argument&) {
      return Py_NewRef(Py_None);
    }
  }
  return out.release();
}

}  // namespace

void define_drawing(nb::module_& m) {
  m.def(
      "draw_sounds",
      [](nb::handle sounds, nb::handle steps, nb::handle chosen, int threads, bool simd) {
        return nb::steal(guarded([&] { return drawn(sounds.ptr(), steps.ptr(), chosen.ptr(), threads, simd && has_avx2()); }));
      },
      nb::arg("sounds"), nb::arg("steps"), nb::arg("chosen").none(), nb::arg("threads"), nb::arg("simd"));
  m.def(
      "sound_sizes", [](nb::handle sounds) { return nb::steal(guarded([&] { return sizes_of(sounds.ptr()); })); }, nb::arg("sounds"));
}

}  // namespace covary
