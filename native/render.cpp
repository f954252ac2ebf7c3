// The threads of a render call and their memory.
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
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

  // Threads live for this call alone: a pool would not survive fork.
  std::vector<std::thread> crew;
  const std::int64_t wanted = threads < samples ? threads : samples;
  for (std::int64_t i = 1; i < wanted; ++i) {
    try {
      crew.emplace_back([&work] {
        Scratch scratch;
        work(scratch);
      });
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those at hand do the work
    }
  }
  thread_local Scratch own;
  work(own);
  for (std::thread& thread : crew) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace covary
