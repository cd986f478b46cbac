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
  for (const DomainState& unit : instance.units) {
    out.push_back(status_of(state.modules[unit.module - 1], unit, instance.region));
  }
  return out;
}

struct TypeRow {
  UnitType type;
  std::uint32_t first_module;
  std::uint32_t UnitCounts::*count;
};
constexpr TypeRow kTypes[] = {
    {UnitType::Operational, 1, &UnitCounts::operational},
    {UnitType::Recovery, kFirstRecoveryModule, &UnitCounts::recovery},
    {UnitType::Failover, kFirstFailoverModule, &UnitCounts::failover},
};

Result<void> check_counts(UnitCounts counts) {
  if (counts.operational == 0 || counts.operational > kMaxUnitsPerInstance) {
    return Error{Reason::InvalidArgument, "an instance has 1 to 6 operational crypto units",
                 "units"};
  }
  if (counts.recovery > kMaxRecoveryUnits) {
    return Error{Reason::InvalidArgument, "an instance has at most 2 recovery units",
                 "recovery_units"};
  }
  if (counts.failover > counts.operational) {
    return Error{Reason::InvalidArgument,
                 "an instance has at most as many failover units as operational ones",
                 "failover_units"};
  }
  return {};
}

std::uint32_t count_of(const InstanceUnits& instance, UnitType type) {
  return static_cast<std::uint32_t>(
      std::count_if(instance.units.begin(), instance.units.end(),
                    [&](const DomainState& unit) { return unit.type == type; }));
}

UnitCounts counts_of(const InstanceUnits& instance) {
  UnitCounts out;
  for (const TypeRow& row : kTypes) out.*row.count = count_of(instance, row.type);
  return out;
}

// A unit in imprint mode in the first module of its type that the instance does not use yet.
void add_unit(InstanceUnits& instance, const TypeRow& row, std::uint32_t domain_instance,
              bool joined) {
  auto place = std::find_if(instance.units.begin(), instance.units.end(),
                            [&](const auto& unit) { return unit.module >= row.first_module; });
  std::uint32_t module = row.first_module;
  while (place != instance.units.end() && place->module == module) ++place, ++module;
  DomainState unit;
  unit.id = UnitId{crypto::random_uuid()};
  unit.type = row.type;
  unit.module = module;
  unit.joined = joined && row.type == UnitType::Operational;
  unit.index = instance.slot;
  unit.instance = domain_instance;
  instance.units.insert(place, std::move(unit));
}

// Removes the youngest unit of the type that is in imprint mode, joined ones last.
Result<void> drop_unit(InstanceUnits& instance, UnitType type) {
  auto chosen = instance.units.end();
  for (auto unit = instance.units.begin(); unit != instance.units.end(); ++unit) {
    if (unit->type != type || !unit->imprint()) continue;
    if (chosen == instance.units.end() || !unit->joined || chosen->joined) chosen = unit;
  }
  const auto joined = std::count_if(instance.units.begin(), instance.units.end(),
                                    [](const DomainState& unit) { return unit.joined; });
  if (chosen == instance.units.end() || (chosen->joined && joined == 1)) {
    return Error{Reason::UnitsNotZeroized,
                 "too few crypto units of this type are in imprint mode; zeroize the ones that "
                 "shall go first",
                 {}};
  }
  instance.units.erase(chosen);
  return {};
}

bool serves(const DomainState& unit) { return unit.joined && unit.current.full(); }

// A unit that lost its key while another still serves does not stop the instance; one that holds
// every key of those that serve joins them. Every key: while blobs move to a new master key, a unit
// without it would make those that have moved unreadable.
void settle_membership(std::vector<DomainState>& units) {
  const std::vector<MasterKeyPtr> keys = common_keys(units);
  if (keys.empty()) return;
  for (DomainState& unit : units) {
    if (unit.type != UnitType::Operational || unit.joined || !unit.current.full()) continue;
    unit.joined = std::all_of(keys.begin(), keys.end(),
                              [&](const MasterKeyPtr& key) { return unit.holds(key); });
  }
}

// After a command took the current key of `unit`: it no longer counts if another one serves.
void leave_if_emptied(std::vector<DomainState>& units, DomainState& unit, bool had_key) {
  if (had_key && unit.joined && !unit.current.full() &&
      std::any_of(units.begin(), units.end(), serves)) {
    unit.joined = false;
  }
}

}  // namespace

const InstanceKey* KeySnapshot::find(const InstanceId& instance) const {
  const auto found =
      std::lower_bound(keys_.begin(), keys_.end(), instance,
                       [](const auto& pair, const InstanceId& id) { return pair.first < id; });
  return found != keys_.end() && found->first == instance ? found->second.get() : nullptr;
}

DomainTable::DomainTable(std::unique_ptr<TableState> state, StateSink& sink, MasterKeyBackend& keys)
    : sink_(sink), keys_(keys), state_(std::move(state)) {
  publish_locked();
}

DomainTable::~DomainTable() = default;

Result<std::unique_ptr<DomainTable>> DomainTable::create(StateSink& sink, MasterKeyBackend& keys) {
  std::unique_ptr<DomainTable> table(
      new DomainTable(std::make_unique<TableState>(make_table_state()), sink, keys));
  KH_TRY(table->save_locked());
  return table;
}

Result<std::unique_ptr<DomainTable>> DomainTable::restore(const SecretBytes& state, StateSink& sink,
                                                          MasterKeyBackend& keys) {
  TableState parsed = KH_TRY(parse_state(state.expose(), keys));
  const bool complete = parsed.modules.size() == kModules;
  complete_modules(parsed);
  std::unique_ptr<DomainTable> table(
      new DomainTable(std::make_unique<TableState>(std::move(parsed)), sink, keys));
  if (!complete) KH_TRY(table->save_locked());
  return table;
}

SecretBytes DomainTable::serialize() const {
  const std::lock_guard lock(mutex_);
  return serialize_state(*state_);
}

Result<void> DomainTable::save() const {
  const std::lock_guard lock(mutex_);
  return save_locked();
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
                                                          UnitCounts counts) {
  KH_TRY(check_counts(counts));
  if (!is_region(region)) {
    return Error{Reason::InvalidArgument, "a region has 1 to 64 characters a-z, 0-9 and '-'",
                 "region"};
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = state_->instances.find(instance); found != state_->instances.end()) {
    if (counts_of(found->second) == counts && found->second.region == region) {
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
  for (const TypeRow& row : kTypes) {
    for (std::uint32_t i = 0; i < counts.*row.count; ++i) {
      add_unit(made, row, state_->next_domain_instance++, true);
    }
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

Result<std::vector<UnitStatus>> DomainTable::resize_units(const InstanceId& instance,
                                                          UnitCounts counts) {
  KH_TRY(check_counts(counts));
  const std::lock_guard lock(mutex_);
  const auto found = state_->instances.find(instance);
  if (found == state_->instances.end()) {
    return Error{Reason::InstanceNotFound, "this instance has no crypto units", {}};
  }
  if (counts_of(found->second) == counts) return statuses(*state_, found->second);

  InstanceUnits next = found->second.clone();
  std::uint32_t domain_instance = state_->next_domain_instance;
  for (const TypeRow& row : kTypes) {
    while (count_of(next, row.type) > counts.*row.count) KH_TRY(drop_unit(next, row.type));
    while (count_of(next, row.type) < counts.*row.count) {
      add_unit(next, row, domain_instance++, false);
    }
  }
  settle_membership(next.units);
  next.key = derive_instance_key(next.units);
  std::swap(found->second, next);
  std::swap(state_->next_domain_instance, domain_instance);
  if (auto saved = save_locked(); !saved) {
    std::swap(found->second, next);
    std::swap(state_->next_domain_instance, domain_instance);
    return std::move(saved).error();
  }
  publish_locked();
  return statuses(*state_, found->second);
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
  const auto& units = found->second.units;
  const auto domain =
      std::find_if(units.begin(), units.end(), [&](const auto& each) { return each.id == unit; });
  if (domain == units.end()) return absent;

  const Module& module = state_->modules[domain->module - 1];
  std::optional<Digest> difference;
  if (records_ != nullptr) difference = records_->difference_of(instance);
  CommandOutcome outcome =
      process_command(module, *domain, state_->next_domain_instance, request, difference, instance);
  if (!outcome.next) return std::move(outcome.answer);
  // Before the counter moves: if only the latter fails the quorum finds the records good already.
  if (outcome.accepted_records && !records_->accept_records(instance, *outcome.accepted_records)) {
    return std::move(outcome.unsaved_answer);
  }
  if (const auto taken = take_new_keys(*domain, *outcome.next); !taken) {
    return std::move(outcome.unsaved_answer);
  }
  InstanceUnits next = found->second.clone();
  DomainState& changed = next.units[static_cast<std::size_t>(domain - units.begin())];
  const DomainState replaced = changed.clone();
  const DomainState brought = outcome.next->clone();
  changed = std::move(*outcome.next);
  leave_if_emptied(next.units, changed, domain->current.full());
  settle_membership(next.units);
  next.key = derive_instance_key(next.units);
  std::swap(found->second, next);  // next now holds the old state
  if (outcome.used_fresh_instance) ++state_->next_domain_instance;
  if (!save_locked()) {
    std::swap(found->second, next);
    if (outcome.used_fresh_instance) --state_->next_domain_instance;
    forget_unheld_keys(brought);
    return std::move(outcome.unsaved_answer);
  }
  if (*found->second.key == *next.key) {
    found->second.key = next.key;  // engines need not look
  } else {
    publish_locked();
  }
  forget_unheld_keys(replaced);
  return std::move(outcome.answer);
}

Result<void> DomainTable::take_new_keys(const DomainState& before, DomainState& next) {
  if (next.type == UnitType::Recovery) return {};
  for (Register* held : {&next.current, &next.pending}) {
    const bool is_new = held->full() && held->key->bytes() != nullptr &&
                        held->key != before.current.key && held->key != before.pending.key;
    if (!is_new) continue;
    const Bytes root = state_->root.public_key().spki();
    held->key = KH_TRY(keys_.take(held->key->bytes()->clone(), owner_of(root)));
  }
  return {};
}

void DomainTable::forget_unheld_keys(const DomainState& unit) {
  const auto is_same = [](const MasterKeyPtr& a, const MasterKeyPtr& b) {
    return same_key(a, b) && (a->bytes() == nullptr) == (b->bytes() == nullptr);
  };
  const auto is_held = [&](const MasterKeyPtr& key) {
    for (const auto& [id, instance] : state_->instances) {
      for (const DomainState& each : instance.units) {
        if (is_same(each.current.key, key) || is_same(each.pending.key, key)) return true;
      }
    }
    return false;
  };
  for (const Register* held : {&unit.current, &unit.pending}) {
    if (held->full() && !is_held(held->key)) keys_.forget(held->key);
  }
}

RecordKeys DomainTable::record_keys() const {
  const std::lock_guard lock(mutex_);
  return state_->records.clone();
}

Result<void> DomainTable::save_record_keys(const RecordKeys& keys) {
  const std::lock_guard lock(mutex_);
  RecordKeys before = std::exchange(state_->records, keys.clone());
  Result<void> saved = save_locked();
  if (!saved) state_->records = std::move(before);
  return saved;
}

bool DomainTable::has_units(const InstanceId& instance) const {
  const std::lock_guard lock(mutex_);
  return state_->instances.contains(instance);
}

std::vector<UnitOfTable> DomainTable::units(const InstanceId& instance) const {
  const std::lock_guard lock(mutex_);
  std::vector<UnitOfTable> out;
  const auto found = state_->instances.find(instance);
  if (found == state_->instances.end()) return out;
  for (const DomainState& unit : found->second.units)
    out.push_back({unit.clone(), state_->modules[unit.module - 1]});
  return out;
}

Result<void> DomainTable::close_transfer(const InstanceId& instance, const Uuid& transfer) {
  const std::lock_guard lock(mutex_);
  const auto found = state_->instances.find(instance);
  if (found == state_->instances.end()) return {};
  InstanceUnits next = found->second.clone();
  bool closes = false;
  for (DomainState& unit : next.units) {
    const bool out = unit.outgoing && unit.outgoing->id == transfer;
    const bool in = unit.incoming && unit.incoming->id == transfer;
    if (out) unit.outgoing.reset();
    if (in) unit.incoming.reset();
    closes |= out || in;
  }
  if (!closes) return {};
  std::swap(found->second, next);
  auto saved = save_locked();
  if (!saved) std::swap(found->second, next);
  return saved;
}

Bytes DomainTable::attestation_root() const {
  const std::lock_guard lock(mutex_);
  return state_->root.public_key().spki();
}

}  // namespace keyhaven::unit
