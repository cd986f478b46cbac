// What a signed command must be made for, and how many must sign it: the unit's own rules
// (instances-tke-iam.md 2.2), for those who prepare commands before the unit sees them. Pure. The
// unit alone decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "tke/admin.h"
#include "tke/attributes.h"

namespace keyhaven::tke {

// How many commands may have to come before a prepared one, so that a series is signed at once.
inline constexpr std::uint32_t kMaxCommandsAhead = 100;

// The state of a unit that a command block is made for.
struct UnitMoment {
  std::uint32_t domain_instance = 0;
  Bytes module_id;
  Bytes counter;  // of the last command: the next one has one more
  DomainAttributes attributes;
};

// Big-endian increment of the whole field; wraps to zero.
Bytes next_counter(Bytes counter);

// The block of a command that `ahead` others come before (0: the next one; at most
// kMaxCommandsAhead, asserted).
AdminBlock make_block(const UnitMoment& moment, std::uint32_t domain_index, std::uint32_t command,
                      ByteView input, std::uint32_t ahead = 0);

// How a block stands to its unit.
struct Standing {
  bool lapsed = false;
  std::string cause;                  // of a lapsed one
  std::uint32_t commands_before = 0;  // 0: it may be sent now
};
Standing standing_of(const AdminBlock& block, const UnitMoment& moment);

// Whether a mask of control points has one that lets keys leave or come in. Setting or enabling
// these takes the quorum even where one administrator may change the others.
bool names_transfer(ByteView mask) noexcept;

// How many administrators must sign, as the unit will judge. Of an import each inner block: 1.
std::size_t signatures_needed(const AdminBlock& block, const DomainAttributes& attributes);

}  // namespace keyhaven::tke
