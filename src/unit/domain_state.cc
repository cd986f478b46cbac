#include "unit/domain_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace keyhaven::unit {

const tke::AdministratorCertificate* DomainState::administrator(const tke::Ski& ski) const {
  const auto found = std::find_if(administrators.begin(), administrators.end(),
                                  [&](const auto& each) { return each.ski == ski; });
  return found == administrators.end() ? nullptr : &*found;
}

DomainState DomainState::clone() const {
  DomainState out;
  out.id = id;
  out.type = type;
  out.module = module;
  out.joined = joined;
  out.index = index;
  out.instance = instance;
  out.counter = counter;
  out.attributes = attributes;
  out.control_points = control_points;
  out.administrators = administrators;
  out.current = current;
  out.pending = pending;
  out.importer = importer;
  if (outgoing) out.outgoing = outgoing->clone();
  out.incoming = incoming;
  return out;
}

OutgoingTransfer OutgoingTransfer::clone() const {
  return {id, target, expires, offer, ephemeral, key.clone()};
}

DomainState DomainState::zeroized(std::uint32_t new_instance) const {
  DomainState out;
  out.id = id;
  out.type = type;
  out.module = module;
  out.joined = joined;
  out.index = index;
  out.instance = new_instance;
  out.counter = counter;
  return out;
}

bool DomainState::holds(const MasterKeyPtr& key) const noexcept {
  return same_key(current.key, key) || (pending.committed && same_key(pending.key, key));
}

UnitStatus status_of(const Module& module, const DomainState& domain, const std::string& region) {
  UnitStatus out;
  out.id = domain.id;
  out.type = domain.type;
  out.joined = domain.joined;
  out.location = fmt::format("[{}].[AZ{}-CS1].[{:02}].[{:02}]", region, module.index, module.index,
                             domain.index);
  out.serial_number = module.serial_number();
  out.module_index = module.index;
  out.domain_index = domain.index;
  out.imprint = domain.imprint();
  out.signature_threshold = domain.attributes.signature_threshold;
  out.revocation_threshold = domain.attributes.revocation_threshold;
  out.administrators = static_cast<std::uint32_t>(domain.administrators.size());
  out.current = domain.current.full() ? RegisterState::Valid : RegisterState::Empty;
  if (domain.pending.full()) {
    out.pending =
        domain.pending.committed ? RegisterState::FullCommitted : RegisterState::FullUncommitted;
  }
  out.current_pattern = domain.current.pattern();
  out.pending_pattern = domain.pending.pattern();
  return out;
}

}  // namespace keyhaven::unit
