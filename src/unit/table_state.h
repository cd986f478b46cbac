// Everything a DomainTable holds, and its serialised form (docs/protocols/unit-state.md).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unit/domain_state.h"
#include "unit/domain_table.h"
#include "unit/record_sinks.h"

namespace keyhaven::unit {

// The units of one service instance, sorted by module.
struct InstanceUnits {
  std::string region;
  std::uint32_t slot = 0;  // domain index in every module
  std::vector<DomainState> units;
  std::shared_ptr<const InstanceKey> key;  // derived from `units`, not serialised

  InstanceUnits clone() const;
};

struct TableState {
  crypto::P521PrivateKey root;
  std::vector<Module> modules;  // kModules; the module of index i is at i - 1
  std::uint32_t next_domain_instance = 1;
  std::map<InstanceId, InstanceUnits> instances;
  RecordKeys records;
};

// New keys and certificates of a deployment, no instances.
TableState make_table_state();

// Bytes of clear secrets, at most kMaxStateBytes asserted.
SecretBytes serialize_state(const TableState& state);
// Errors: InvalidArgument: other magic or version, sizes out of bounds, inconsistent content,
// trailing bytes; what `keys` gives for keys that it cannot restore.
Result<TableState> parse_state(ByteView bytes, MasterKeyBackend& keys = software_master_keys());

// The modules that a state written before there were recovery units lacks.
void complete_modules(TableState& state);

// The keys that every joined unit holds (DomainState::holds), the current one of the first before
// its new one; none unless all joined units have a valid current key.
std::vector<MasterKeyPtr> common_keys(const std::vector<DomainState>& units);

// What the joined units of an instance have in common: usable only when all have a valid current
// key and there is a key that all hold (DomainState::holds).
std::shared_ptr<const InstanceKey> derive_instance_key(const std::vector<DomainState>& units);

bool is_region(std::string_view region) noexcept;  // 1 to kMaxRegionBytes of a-z, 0-9, '-'

}  // namespace keyhaven::unit
