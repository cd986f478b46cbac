// Counts what a file of vectors had, so that a filter that is too wide is noticed.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"

namespace keyhaven::vectors {

class CaseCounter {
 public:
  explicit CaseCounter(std::string file) : file_(std::move(file)) {}
  void ran() { ++run_; }
  void skipped(const std::string& reason) { ++skipped_[reason]; }

  // Prints the counts and checks them: `run` cases ran, and all together were `total`.
  void expect(std::size_t run, std::size_t total) const;

 private:
  std::string file_;
  std::size_t run_ = 0;
  std::map<std::string, std::size_t> skipped_;
};

// Content of a file of data/; stops the program when it is missing.
std::string read_data(const std::string& file);

// Hexadecimal of a vector file; stops the program when it is none.
Bytes hex(std::string_view text);

// The DER form of a P-521 signature given as two big-endian numbers.
Bytes der_signature(ByteView r, ByteView s);

}  // namespace keyhaven::vectors
