#include "unit/domain_table.h"

#include <algorithm>

#include "crypto/random.h"
#include "tke/frame.h"
#include "unit/command_processor.h"
#include "unit/table_state.h"

namespace keyhaven::unit {

namespace {

// Smallest domain index that no instance uses.
std::uint32_t free_slot(const TableState& state) {
  std::vector<std::uint32_t> used;
  for (const auto& [id, instance] : state.instances) used.push_back(instance.slot);
  std::sort(used.begin(), used.end());
  std::uint32_t slot = 0;
  while (slot < used.size() && used[slot] == slot) ++slot;
  return slot;
}

std::vector<UnitStatus> statuses(const TableState& state, const InstanceUnits& instance) {
  std::vector<UnitStatus> out;
  for (std::size_t i = 0; i < instance.units.size(); ++i) {
    out.push_back(status_of(state.modules[i], instance.units[i], instance.region));
  }
  return out;
}

bool same_key(const InstanceKey& a, const InstanceKey& b) {
  return a.state == b.state && a.pattern == b.pattern && a.blob_key == b.blob_key;
}

}  // namespace

const InstanceKey* KeySnapshot::find(const InstanceId& instance) const {
  const auto found =
      std::lower_bound(keys_.begin(), keys_.end(), instance,
                       [](const auto& pair, const InstanceId& id) { return pair.first < id; });
  return found != keys_.end() && found->first == instance ? found->second.get() : nullptr;
}

DomainTable::DomainTable(std::unique_ptr<TableState> state, StateSink& sink)
    : sink_(sink), state_(std::move(state)) {
  publish_locked();
}

DomainTable::~DomainTable() = default;

Result<std::unique_ptr<DomainTable>> DomainTable::create(StateSink& sink) {
  std::unique_ptr<DomainTable> table(
      new DomainTable(std::make_unique<TableState>(make_table_state()), sink));
  KH_TRY(table->save_locked());
  return table;
}

Result<std::unique_ptr<DomainTable>> DomainTable::restore(const SecretBytes& state,
                                                          StateSink& sink) {
  TableState parsed = KH_TRY(parse_state(state.expose()));
  return std::unique_ptr<DomainTable>(
      new DomainTable(std::make_unique<TableState>(std::move(parsed)), sink));
}

SecretBytes DomainTable::serialize() const {
  const std::lock_guard lock(mutex_);
  return serialize_state(*state_);
}

Result<void> DomainTable::save_locked() const { return sink_.save(serialize_state(*state_)); }

void DomainTable::publish_locked() {
  auto next = std::make_shared<KeySnapshot>();
  next->generation_ = generation_.load(std::memory_order_relaxed) + 1;
  next->keys_.reserve(state_->instances.size());
  for (const auto& [id, instance] : state_->instances) next->keys_.emplace_back(id, instance.key);
  snapshot_ = next;
  generation_.store(next->generation_, std::memory_order_release);
}

std::shared_ptr<const KeySnapshot> DomainTable::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<std::vector<UnitStatus>> DomainTable::create_units(const InstanceId& instance,
                                                          const std::string& region,
                                                          std::uint32_t count) {
  if (count == 0 || count > kMaxUnitsPerInstance) {
    return Error{Reason::InvalidArgument, "an instance has 1 to 6 crypto units", "units"};
  }
  if (!is_region(region)) {
    return Error{Reason::InvalidArgument, "a region has 1 to 64 characters a-z, 0-9 and '-'",
                 "region"};
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = state_->instances.find(instance); found != state_->instances.end()) {
    if (found->second.units.size() == count && found->second.region == region) {
      return statuses(*state_, found->second);
    }
    return Error{
        Reason::AlreadyExists, "this instance has crypto units of another number or region", {}};
  }
  if (state_->instances.size() >= kMaxInstances) {
    return Error{
        Reason::InstanceLimit, "this deployment has 1024 instances, the most it can hold", {}};
  }
  InstanceUnits made;
  made.region = region;
  made.slot = free_slot(*state_);
  const std::uint32_t first_domain_instance = state_->next_domain_instance;
  for (std::uint32_t i = 0; i < count; ++i) {
    DomainState domain;
    domain.id = UnitId{crypto::random_uuid()};
    domain.index = made.slot;
    domain.instance = state_->next_domain_instance++;
    made.units.push_back(std::move(domain));
  }
  made.key = derive_instance_key(made.units);
  const auto placed = state_->instances.emplace(instance, std::move(made)).first;
  if (auto saved = save_locked(); !saved) {
    state_->instances.erase(placed);
    state_->next_domain_instance = first_domain_instance;
    return std::move(saved).error();
  }
  publish_locked();
  return statuses(*state_, placed->second);
}

Result<void> DomainTable::remove_units(const InstanceId& instance) {
  const std::lock_guard lock(mutex_);
  const auto found = state_->instances.find(instance);
  if (found == state_->instances.end()) return {};
  const auto& units = found->second.units;
  if (!std::all_of(units.begin(), units.end(), [](const auto& unit) { return unit.imprint(); })) {
    return Error{
        Reason::UnitsNotZeroized,
        "the crypto units of this instance hold keys or administrators; zeroize them first",
        {}};
  }
  auto removed = state_->instances.extract(found);
  if (auto saved = save_locked(); !saved) {
    state_->instances.insert(std::move(removed));
    return std::move(saved).error();
  }
  publish_locked();
  return {};
}

Result<std::vector<UnitStatus>> DomainTable::list_units(const InstanceId& instance) const {
  const std::lock_guard lock(mutex_);
  const auto found = state_->instances.find(instance);
  if (found == state_->instances.end()) return std::vector<UnitStatus>{};
  return statuses(*state_, found->second);
}

Result<std::string> DomainTable::administer(const InstanceId& instance, const UnitId& unit,
                                            const std::string& request) {
  if (request.size() > tke::kMaxFrameCharacters) {
    return Error{Reason::InvalidArgument, "an administration frame has at most 64 KiB", "request"};
  }
  const std::lock_guard lock(mutex_);
  const auto found = state_->instances.find(instance);
  const Error absent{Reason::UnitNotFound, "this instance has no such crypto unit", {}};
  if (found == state_->instances.end()) return absent;
  auto& units = found->second.units;
  const auto domain =
      std::find_if(units.begin(), units.end(), [&](const auto& each) { return each.id == unit; });
  if (domain == units.end()) return absent;

  const Module& module = state_->modules[static_cast<std::size_t>(domain - units.begin())];
  CommandOutcome outcome = process_command(module, *domain, state_->next_domain_instance, request);
  if (!outcome.next) return std::move(outcome.answer);

  std::swap(*domain, *outcome.next);  // outcome.next now holds the old state
  if (outcome.used_fresh_instance) ++state_->next_domain_instance;
  if (!save_locked()) {
    std::swap(*domain, *outcome.next);
    if (outcome.used_fresh_instance) --state_->next_domain_instance;
    return std::move(outcome.unsaved_answer);
  }
  auto key = derive_instance_key(units);
  if (!same_key(*key, *found->second.key)) {
    found->second.key = std::move(key);
    publish_locked();
  }
  return std::move(outcome.answer);
}

Bytes DomainTable::attestation_root() const {
  const std::lock_guard lock(mutex_);
  return state_->root.public_key().spki();
}

}  // namespace keyhaven::unit
