// What a command block says, in words: decoded from the bytes that an administrator signs, on the
// administrator's own machine. Pure and total.
//
// Every byte of the block is accounted for: it is shown as a value, or is implied by the strict DER
// form, or (certificates, encrypted key parts) is named by a SHA-256. What this version cannot
// decode is shown whole in hexadecimal, says so, and clears `understood`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tke/admin.h"
#include "tke/attributes.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxBlockBytes = 16 * 1024;  // of a block that is described

struct BlockLine {
  std::string name;   // lower case, e.g. "administrator added"
  std::string value;  // printable ASCII
  bool operator==(const BlockLine&) const = default;
};

struct BlockText {
  AdminBlock block;
  std::string command;           // name_of_command(), or the id in hexadecimal
  std::vector<BlockLine> about;  // the input
  std::vector<BlockLine> frame;  // domain, module, counter: whom and when it is for
  bool understood = true;
};

// Errors: InvalidArgument (not the DER of a command block), TooLarge.
Result<BlockText> describe_block(ByteView der);

// Text from outside for people: printable ASCII as it is; else quoted characters, with the bytes in
// hexadecimal beside it, so that no two names look alike.
std::string shown_text(std::string_view text);

// Permission bits by name, joined by ", "; bits without a name in hexadecimal; "none".
std::string permissions_text(std::uint32_t permissions);

}  // namespace keyhaven::tke
