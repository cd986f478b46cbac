#include "unit/table_state.h"

#include <algorithm>

#include "crypto/random.h"
#include "tke/oa_certificate.h"
#include "unit/key_blob.h"

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
  for (std::uint32_t i = 1; i <= kMaxUnitsPerInstance; ++i) {
    state.modules.push_back(make_module(i, state.root, state.modules));
  }
  return state;
}

std::shared_ptr<const InstanceKey> derive_instance_key(const std::vector<DomainState>& units) {
  auto out = std::make_shared<InstanceKey>();
  const bool all_valid =
      !units.empty() && std::all_of(units.begin(), units.end(), [](const auto& unit) {
        return !unit.imprint() && unit.current.full();
      });
  if (!all_valid) return out;
  const SecretBytes& key = units.front().current.key;
  const bool all_equal = std::all_of(units.begin(), units.end(),
                                     [&](const auto& unit) { return unit.current.key == key; });
  if (!all_equal) {
    out->state = InstanceKey::State::UnitsDiffer;
    return out;
  }
  out->state = InstanceKey::State::Ready;
  const tke::VerificationPattern pattern = tke::verification_pattern(key);
  std::copy_n(pattern.begin(), out->pattern.size(), out->pattern.begin());
  out->blob_key = derive_blob_key(key);
  return out;
}

bool is_region(std::string_view region) noexcept {
  return !region.empty() && region.size() <= kMaxRegionBytes &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace keyhaven::unit
