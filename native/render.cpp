// The threads of a render call and their memory.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "program.hpp"

namespace covary {

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t piece_block = 64 * 1024;
constexpr std::size_t keep_at_most = std::size_t{64} << 20;

void* aligned(std::size_t bytes) {
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* data = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

Scratch::~Scratch() {
  for (Block& block : blocks_) std::free(block.data);
  for (Block& block : pieces_) std::free(block.data);
}

void* Scratch::get(Slot slot, std::size_t bytes) {
  Block& block = blocks_[slot];
  if (block.size < bytes || block.data == nullptr) {
    std::free(block.data);
    block = {};
    block.data = aligned(bytes);
    block.size = bytes;
  }
  return block.data;
}

void* Scratch::piece(std::size_t bytes) {
  bytes = (bytes + alignment - 1) / alignment * alignment;
  while (piece_index_ < pieces_.size() && pieces_[piece_index_].size - piece_used_ < bytes) {
    ++piece_index_;
    piece_used_ = 0;
  }
  if (piece_index_ == pieces_.size()) {
    const std::size_t size = bytes > piece_block ? bytes : piece_block;
    pieces_.push_back({});
    pieces_.back().data = aligned(size);
    pieces_.back().size = size;
    piece_used_ = 0;
  }
  void* data = static_cast<char*>(pieces_[piece_index_].data) + piece_used_;
  piece_used_ += bytes;
  return data;
}

void Scratch::rewind() {
  piece_index_ = 0;
  piece_used_ = 0;
}

void Scratch::trim() {
  for (Block& block : blocks_) {
    if (block.size > keep_at_most) {
      std::free(block.data);
      block = {};
    }
  }
  rewind();
  while (pieces_.size() > 16) {
    std::free(pieces_.back().data);
    pieces_.pop_back();
  }
}

bool has_avx2() {
#if defined(COVARY_AVX2)
  static const bool found = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return found;
#else
  return false;
#endif
}

namespace {

// What one call asks the crew to help with. Guarded by the crew's mutex.
struct Job {
  std::function<void(Scratch&)> work;
  int running = 0;
  std::condition_variable finished;
};

// Threads that wait for work between calls: starting new ones for every call costs a batch a millisecond until the system has
// spread them over the cores. They know nothing of Python. A forked child has none of them, so it gets a crew of its own.
class Crew {
 public:
  static Crew& of_this_process() {
    // Never destroyed, as its threads may outlast static objects; no lock, as a fork may come at any time.
    static std::atomic<Crew*> current{nullptr};
    Crew* crew = current.load();
    if (crew != nullptr && crew->process_ == getpid()) return *crew;
    auto* fresh = new Crew;
    if (current.compare_exchange_strong(crew, fresh)) return *fresh;
    delete fresh;  // another thread was first
    return *crew;
  }

  // Runs `work` here and on up to `helpers` threads; returns when all of them are done.
  void run(std::function<void(Scratch&)> work, std::int64_t helpers) {
    Job job;
    job.work = std::move(work);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (threads_ < helpers && grow()) {
      }
      for (std::int64_t i = 0; i < std::min<std::int64_t>(helpers, threads_); ++i) tickets_.push_back(&job);
    }
    wake_.notify_all();
    thread_local Scratch own;
    job.work(own);
    std::unique_lock<std::mutex> lock(mutex_);
    tickets_.erase(std::remove(tickets_.begin(), tickets_.end(), &job), tickets_.end());
    job.finished.wait(lock, [&] { return job.running == 0; });
  }

 private:
  bool grow() {
    try {
      std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
      return false;  // no more threads to be had: those at hand do the work
    }
    ++threads_;
    return true;
  }

  void serve() {
    Scratch scratch;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return !tickets_.empty(); });
      Job& job = *tickets_.front();
      tickets_.pop_front();
      ++job.running;
      lock.unlock();
      job.work(scratch);
      lock.lock();
      if (--job.running == 0) job.finished.notify_all();
    }
  }

  const pid_t process_ = getpid();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> tickets_;
  std::int64_t threads_ = 0;
};

}  // namespace

void share_out(const std::function<void()>& work, std::int64_t helpers) {
  if (helpers > 0)
    Crew::of_this_process().run([&](Scratch&) { work(); }, helpers);
  else
    work();
}

void render(const Program& program, int threads, bool simd) {
  const auto samples = static_cast<std::int64_t>(program.sources.size());
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_lock;
  const auto work = [&](Scratch& scratch) {
    try {
      for (std::int64_t sample = next++; sample < samples; sample = next++) {
#if defined(COVARY_AVX2)
        if (simd) {
          avx2::render_sample(program, sample, scratch);
          continue;
        }
#endif
        portable::render_sample(program, sample, scratch);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> guard(failure_lock);
      failure = std::current_exception();
      next = samples;
    }
    scratch.trim();
  };
  (void)simd;

  const std::int64_t helpers = std::min<std::int64_t>(threads, samples) - 1;
  if (helpers > 0) {
    Crew::of_this_process().run(work, helpers);
  } else {
    thread_local Scratch own;
    work(own);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace covary
