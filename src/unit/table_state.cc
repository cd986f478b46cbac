#include "unit/table_state.h"

#include <algorithm>

#include "crypto/random.h"
#include "tke/oa_certificate.h"
#include "unit/sealing_key.h"

namespace keyhaven::unit {

namespace {

constexpr std::size_t kModuleInstanceSize = 8;

Module make_module(std::uint32_t index, const crypto::P521PrivateKey& root,
                   const std::vector<Module>& others) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  Module module;
  module.index = index;
  do {  // serial numbers identify a module to clients: unique in the deployment
    module.id.assign(tke::kModuleIdSize, 0);
    crypto::random_bytes(module.id);
    module.id[0] = 'K';
    module.id[1] = 'H';
    for (std::size_t i = 2; i < tke::kSerialNumberSize; ++i) {
      module.id[i] = static_cast<std::uint8_t>(kDigits[module.id[i] % kDigits.size()]);
    }
  } while (std::any_of(others.begin(), others.end(), [&](const Module& other) {
    return other.serial_number() == module.serial_number();
  }));
  static_assert(tke::kSerialNumberSize + kModuleInstanceSize == tke::kModuleIdSize);
  module.key = crypto::P521PrivateKey::generate();
  module.certificate =
      tke::make_oa_certificate(module.key.public_key(), module.serial_number(), root);
  return module;
}

}  // namespace

TableState make_table_state() {
  TableState state;
  state.root = crypto::P521PrivateKey::generate();
  complete_modules(state);
  return state;
}

void complete_modules(TableState& state) {
  while (state.modules.size() < kModules) {
    const auto index = static_cast<std::uint32_t>(state.modules.size() + 1);
    state.modules.push_back(make_module(index, state.root, state.modules));
  }
}

namespace {

// The keys of `first` that could be what all units hold, the preferred one first.
std::vector<MasterKeyPtr> candidates(const DomainState& first) {
  std::vector<MasterKeyPtr> out{first.current.key};
  if (first.pending.full() && first.pending.committed) out.push_back(first.pending.key);
  return out;
}

// The joined units, if there are any and all have a valid current key; else none.
std::vector<const DomainState*> serving_units(const std::vector<DomainState>& units) {
  std::vector<const DomainState*> out;
  for (const DomainState& unit : units) {
    if (!unit.joined) continue;
    if (unit.imprint() || !unit.current.full()) return {};
    out.push_back(&unit);
  }
  return out;
}

}  // namespace

std::vector<MasterKeyPtr> common_keys(const std::vector<DomainState>& units) {
  const auto serving = serving_units(units);
  if (serving.empty()) return {};
  std::vector<MasterKeyPtr> out;
  for (const MasterKeyPtr& key : candidates(*serving.front())) {
    const auto holds = [&](const DomainState* unit) { return unit->holds(key); };
    if (std::all_of(serving.begin(), serving.end(), holds)) out.push_back(key);
  }
  return out;
}

std::shared_ptr<const InstanceKey> derive_instance_key(const std::vector<DomainState>& units) {
  auto out = std::make_shared<InstanceKey>();
  if (serving_units(units).empty()) return out;
  for (const MasterKeyPtr& key : common_keys(units)) out->keys.push_back(prepare_master_key(key));
  out->state = out->keys.empty() ? InstanceKey::State::UnitsDiffer : InstanceKey::State::Ready;
  return out;
}

InstanceUnits InstanceUnits::clone() const {
  InstanceUnits out;
  out.region = region;
  out.slot = slot;
  for (const DomainState& unit : units) out.units.push_back(unit.clone());
  out.key = key;
  return out;
}

bool is_region(std::string_view region) noexcept {
  return !region.empty() && region.size() <= kMaxRegionBytes &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace keyhaven::unit
