#include "tke/command_rules.h"

#include <algorithm>
#include <optional>

#include "tke/control_points.h"

namespace keyhaven::tke {
namespace {

// `counter` - `base` as a small number; nothing when it is not above, or farther than the limit.
std::optional<std::uint32_t> distance(ByteView base, ByteView counter) {
  Bytes at = to_bytes(base);
  for (std::uint32_t steps = 1; steps <= kMaxCommandsAhead + 1; ++steps) {
    at = next_counter(std::move(at));
    if (std::ranges::equal(at, counter)) return steps;
  }
  return std::nullopt;
}

}  // namespace

Bytes next_counter(Bytes counter) {
  for (auto byte = counter.rbegin(); byte != counter.rend(); ++byte) {
    if (++*byte != 0) break;
  }
  return counter;
}

AdminBlock make_block(const UnitMoment& moment, std::uint32_t domain_index, std::uint32_t command,
                      ByteView input, std::uint32_t ahead) {
  KH_ASSERT(ahead <= kMaxCommandsAhead);
  AdminBlock block;
  block.command = command;
  block.domain_index = domain_index;
  block.domain_instance = moment.domain_instance;
  block.module_id = moment.module_id;
  block.counter = next_counter(moment.counter);
  for (std::uint32_t step = 0; step < ahead; ++step)
    block.counter = next_counter(std::move(block.counter));
  block.input = to_bytes(input);
  return block;
}

Standing standing_of(const AdminBlock& block, const UnitMoment& moment) {
  if (block.domain_instance != moment.domain_instance || block.module_id != moment.module_id) {
    return {true, "the crypto unit was zeroized since the block was made, or it is another one", 0};
  }
  const auto steps = distance(moment.counter, block.counter);
  if (steps) return {false, {}, *steps - 1};
  if (block.counter <= moment.counter)
    return {true,
            "the crypto unit has carried out another command with this counter or a later one", 0};
  return {true, "the block's counter is too far ahead of the crypto unit's", 0};
}

bool names_transfer(ByteView mask) noexcept {
  if (mask.size() != kControlPointBytes) return false;
  ControlPoints points{};
  std::copy(mask.begin(), mask.end(), points.begin());
  return has_control_point(points, kControlPointTransferOut) ||
         has_control_point(points, kControlPointTransferIn);
}

std::size_t signatures_needed(const AdminBlock& block, const DomainAttributes& attributes) {
  const auto with_permission = [&](std::uint32_t bit) -> std::size_t {
    return (attributes.permissions & bit) != 0 ? 1 : attributes.signature_threshold;
  };
  if (attributes.imprint()) {
    if (block.command != kSetAttributes) return 0;
    const auto wanted = apply_attribute_list(attributes, block.input);
    return wanted ? wanted->signature_threshold : 0;
  }
  switch (block.command) {
    case kRemoveAdministrator:
      return attributes.revocation_threshold;
    case kReplaceAdministrator:
      return std::max(attributes.signature_threshold, attributes.revocation_threshold);
    case kGenerateImporter:
    case kCreateRandomKey:
    case kImportKeyParts:
    case kFinalizePending:
    case kClearCurrent:
    case kClearPending:
      return 1;
    case kZeroize:
      return with_permission(permission::kZeroizeWithOne);
    case kSetControlPoints:
    case kEnableControlPoints:
      if (names_transfer(block.input)) return attributes.signature_threshold;
      return with_permission(permission::kControlPointsWithOne);
    case kDisableControlPoints:
      return with_permission(permission::kControlPointsWithOne);
    default:
      return attributes.signature_threshold;  // an open set of ids
  }
}

}  // namespace keyhaven::tke
