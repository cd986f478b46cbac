#include "case_counter.h"

#include <gtest/gtest.h>

#include <iostream>

#include "base/file.h"

namespace keyhaven::vectors {

void CaseCounter::expect(std::size_t run, std::size_t total) const {
  std::size_t all = run_;
  std::cout << "  " << file_ << ": " << run_ << " run";
  for (const auto& [reason, count] : skipped_) {
    std::cout << ", " << count << " skipped (" << reason << ")";
    all += count;
  }
  std::cout << "\n";
  EXPECT_EQ(run_, run) << file_;
  EXPECT_EQ(all, total) << file_;
}

std::string read_data(const std::string& file) {
  constexpr std::size_t kLimit = 4 << 20;
  const Bytes content =
      std::move(read_file(std::string(KH_VECTOR_DATA "/") + file, kLimit)).value();
  return std::string(as_text(content));
}

Bytes hex(std::string_view text) { return std::move(from_hex(text)).value(); }

namespace {

// INTEGER: no superfluous leading zero byte, but one before a set top bit.
void append_integer(Bytes& out, ByteView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool pad = number[0] >= 0x80;
  out.push_back(0x02);
  out.push_back(static_cast<std::uint8_t>(number.size() + (pad ? 1 : 0)));
  if (pad) out.push_back(0);
  append(out, number);
}

}  // namespace

Bytes der_signature(ByteView r, ByteView s) {
  Bytes content;
  append_integer(content, r);
  append_integer(content, s);
  Bytes out = {0x30};
  if (content.size() >= 0x80) out.push_back(0x81);
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}

}  // namespace keyhaven::vectors
