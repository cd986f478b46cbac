#include "instances/instance_service.h"

#include <algorithm>

#include "crypto/random.h"
#include "instances/crn.h"

namespace keyhaven::instances {
namespace {

constexpr std::size_t kMaxNameBytes = 180;
constexpr std::size_t kMaxRegionBytes = 32;
constexpr std::size_t kMaxResourceGroupBytes = 64;

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;
}

Error invalid(std::string_view target, std::string_view message) {
  return {Reason::InvalidField, std::string(message), std::string(target)};
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_label(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

Result<void> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && is_printable(name)) return {};
  return invalid("name", "name must have 1 to 180 bytes and no control character");
}
Result<void> check_plan(std::string_view plan) {
  if (plan == "standard" || plan == "beta") return {};
  return invalid("resource_plan_id", "the plan must be \"standard\" or \"beta\"");
}
Result<void> check_interval(std::int64_t seconds) {
  if (seconds >= 0 && seconds <= kMaxRotationIntervalSeconds) return {};
  return invalid("rotation_interval_seconds", "rotation_interval_seconds must be 0 to 31622400");
}

Result<void> check(const InstanceRecord& record) {
  KH_TRY(check_name(record.name));
  KH_TRY(check_plan(record.plan));
  KH_TRY(check_interval(record.rotation_interval_seconds));
  if (!is_label(record.region, kMaxRegionBytes)) {
    return invalid("target", "the region must have 1 to 32 lower-case letters, digits and hyphens");
  }
  if (record.resource_group.size() > kMaxResourceGroupBytes ||
      !is_printable(record.resource_group)) {
    return invalid("resource_group",
                   "resource_group may have at most 64 bytes and no control character");
  }
  return {};
}

Result<std::uint32_t> checked_count(std::string_view name, std::int64_t count, std::uint32_t least,
                                    std::uint32_t most) {
  if (count >= least && count <= most) return static_cast<std::uint32_t>(count);
  return invalid(name, std::string(name) + " must be " + std::to_string(least) + " to " +
                           std::to_string(most));
}

Result<unit::UnitCounts> checked_counts(std::int64_t units, std::int64_t failover_units,
                                        std::int64_t recovery_units) {
  unit::UnitCounts out;
  out.operational = KH_TRY(checked_count("units", units, 1, kMaxUnits));
  out.recovery = KH_TRY(checked_count("recovery_units", recovery_units, 0, kMaxRecoveryUnits));
  if (failover_units > units) {
    return invalid("failover_units",
                   "failover_units must not be more than units, which is " + std::to_string(units));
  }
  out.failover = KH_TRY(checked_count("failover_units", failover_units, 0, kMaxUnits));
  return out;
}

unit::UnitCounts counts_of(const std::vector<unit::UnitStatus>& units) {
  unit::UnitCounts out;
  for (const unit::UnitStatus& status : units) {
    if (status.type == unit::UnitType::Operational) ++out.operational;
    if (status.type == unit::UnitType::Recovery) ++out.recovery;
    if (status.type == unit::UnitType::Failover) ++out.failover;
  }
  return out;
}

std::string text_of(const unit::UnitCounts& counts) {
  return std::to_string(counts.operational) + " operational, " + std::to_string(counts.recovery) +
         " recovery, " + std::to_string(counts.failover) + " failover";
}

void add_details(audit::Event& event, std::string_view section, PolicyType type,
                 const InstancePolicy* policy) {
  for (auto& [name, value] : audit_view(type, policy)) {
    event.details.emplace_back("requestData." + std::string(section) + "." + name,
                               std::move(value));
  }
}

Error not_found() { return {Reason::InstanceNotFound, "there is no such instance", "id"}; }

}  // namespace

InstanceService::InstanceService(InstanceOptions options, InstanceStore& store,
                                 unit::CryptoUnit& unit, LiveKeyCount live_keys, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      unit_(unit),
      live_keys_(std::move(live_keys)),
      clock_(clock),
      serial_(next_serial()) {}

Result<std::unique_ptr<InstanceService>> InstanceService::load(InstanceOptions options,
                                                               InstanceStore& store,
                                                               unit::CryptoUnit& unit,
                                                               LiveKeyCount live_keys,
                                                               const Clock& clock) {
  auto service = std::unique_ptr<InstanceService>(
      new InstanceService(std::move(options), store, unit, std::move(live_keys), clock));
  auto all = std::make_shared<Snapshot>();
  KH_TRY(store.load_instances([&](InstanceRecord record) {
    if (record.state != InstanceState::Active) return;
    service->set_limits(record, {});
    const InstanceId id = record.id;
    (*all)[id] = std::make_shared<const InstanceRecord>(std::move(record));
  }));
  service->snapshot_ = std::move(all);
  return service;
}

// Each thread keeps the snapshot it last used, so that a loop which asks again takes no lock and
// shares no counter with other loops; the epoch tells when to fetch the new one.
const InstanceService::Snapshot& InstanceService::snapshot() const {
  struct Mine {
    std::uint64_t serial = 0;
    std::uint64_t epoch = 0;
    SnapshotPtr snapshot;
  };
  thread_local Mine mine;
  const std::uint64_t epoch = epoch_.load(std::memory_order_acquire);
  if (mine.serial != serial_ || mine.epoch != epoch) {
    const std::shared_lock lock(snapshot_mutex_);
    mine = {serial_, epoch, snapshot_};
  }
  return *mine.snapshot;
}

InstanceRecordPtr InstanceService::find(const InstanceId& id) const {
  const Snapshot& all = snapshot();
  const auto found = all.find(id);
  return found == all.end() ? nullptr : found->second;
}

Result<InstanceRecordPtr> InstanceService::require(const InstanceId& id) const {
  InstanceRecordPtr record = find(id);
  if (!record) return not_found();
  return record;
}

Result<InstanceRecordPtr> InstanceService::find_named(std::string_view guid_or_crn) const {
  const InstanceId id = KH_TRY(instance_named_by(guid_or_crn, options_.account));
  return require(id);
}

std::vector<InstanceRecordPtr> InstanceService::list() const {
  std::vector<InstanceRecordPtr> out;
  for (const auto& [id, record] : snapshot()) out.push_back(record);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a->created < b->created; });
  return out;
}

Result<void> InstanceService::check_network(AllowedNetwork network) const {
  if (network != AllowedNetwork::PrivateOnly || options_.private_network) return {};
  return Error{Reason::FeatureRestricted,
               "allowed_network \"private-only\" needs a private listener, which this server does "
               "not have; configure server.private_listen and server.private_port",
               "allowed_network"};
}

Result<void> InstanceService::set_policy(InstanceRecord& record, PolicyUpdate update,
                                         audit::Event& event) const {
  KH_TRY(check(update, record.limits.allowed_ip_subnets));
  if (const auto* network = std::get_if<AllowedNetwork>(&update.attributes))
    KH_TRY(check_network(*network));
  const PolicyType type = update.type;
  add_details(event, "initialValue", type, record.policies.find(type));
  record.policies.set(std::move(update), event.initiator_id, clock_.now());
  add_details(event, "newValue", type, record.policies.find(type));
  return {};
}

// The parameter allowed_network of an instance is the policy allowedNetwork.
Result<void> InstanceService::set_network(InstanceRecord& record, std::string_view name,
                                          audit::Event& event) const {
  const auto network = allowed_network_of(name);
  if (!network) {
    return invalid("allowed_network",
                   "allowed_network must be \"public-and-private\" or \"private-only\"");
  }
  if (*network == record.policies.allowed_network()) return {};
  return set_policy(record, {PolicyType::AllowedNetwork, true, *network}, event);
}

// Also fills in what the deployment says for limits that are not the instance's own.
void InstanceService::set_limits(InstanceRecord& record, const LimitChanges& changes) const {
  for (const LimitChange& change : changes) {
    const auto bit = static_cast<LimitSet>(1U << change.row);
    record.own_limits =
        static_cast<LimitSet>(change.value ? record.own_limits | bit : record.own_limits & ~bit);
    if (change.value) record.limits.*limit_rows()[change.row].field = *change.value;
  }
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    const auto field = limit_rows()[i].field;
    if ((record.own_limits >> i & 1) == 0) record.limits.*field = options_.default_limits.*field;
  }
}

Result<InstanceRecordPtr> InstanceService::commit(InstanceRecord record,
                                                  const audit::Event& event) {
  record.revision = KH_TRY(store_.commit_instance(record, event));
  auto next = std::make_shared<Snapshot>(snapshot());
  auto stored = std::make_shared<const InstanceRecord>(std::move(record));
  if (stored->state == InstanceState::Active) {
    (*next)[stored->id] = stored;
  } else {
    next->erase(stored->id);
  }
  const std::unique_lock lock(snapshot_mutex_);
  snapshot_ = std::move(next);
  epoch_.fetch_add(
      1,
      std::memory_order_release);  // under the lock: who sees the new epoch finds the new snapshot
  return InstanceRecordPtr(std::move(stored));
}

Result<InstanceRecordPtr> InstanceService::create(const InstanceSpec& spec, audit::Event event) {
  InstanceRecord record;
  record.id = {crypto::random_uuid()};
  record.name = spec.name;
  record.plan = spec.plan;
  record.region = spec.region.empty() ? options_.region : spec.region;
  record.resource_group = spec.resource_group;
  record.rotation_interval_seconds = spec.rotation_interval_seconds;
  record.created = record.updated = clock_.now();
  record.created_by = spec.created_by;
  KH_TRY(check(record));
  set_limits(record, spec.limits);
  KH_TRY(set_network(record, spec.allowed_network, event));
  record.units = KH_TRY(checked_counts(spec.units, spec.failover_units, spec.recovery_units));

  const std::lock_guard lock(changing_);
  if (snapshot().size() >= kMaxInstances) {
    return Error{Reason::InstanceLimit,
                 "the limit of 1000 instances is reached; delete one that is not used",
                 {}};
  }
  KH_TRY(unit_.list_units(record.id));  // a dead unit is found out before anything is stored
  event.target_id = crn_of(record);
  event.instance_id = record.id.text();
  InstanceRecordPtr stored = KH_TRY(commit(std::move(record), event));
  auto units = unit_.create_units(stored->id, stored->region, stored->units);
  if (units) return stored;

  // The unit refused in spite of answering before: take the record back, and say so in the log.
  InstanceRecord undone = *stored;
  undone.state = InstanceState::Removed;
  event.action = "hs-crypto.instances.delete";
  event.severity = "critical";
  event.reason = name_of(units.error().reason);
  KH_TRY(commit(std::move(undone), event));
  return std::move(units).error();
}

Result<InstanceRecordPtr> InstanceService::update(const InstanceId& id,
                                                  const InstanceUpdate& update,
                                                  audit::Event event) {
  const std::lock_guard lock(changing_);
  const InstanceRecordPtr current = KH_TRY(require(id));
  InstanceRecord record = *current;
  if (update.name) record.name = *update.name;
  if (update.plan) record.plan = *update.plan;
  if (update.rotation_interval_seconds)
    record.rotation_interval_seconds = *update.rotation_interval_seconds;
  KH_TRY(check(record));
  set_limits(record, update.limits);
  if (update.allowed_network) KH_TRY(set_network(record, *update.allowed_network, event));
  if (update.reset_allowed_ip && record.policies.is_enabled(PolicyType::AllowedIp))
    KH_TRY(set_policy(record, {PolicyType::AllowedIp, false, {}}, event));
  record.units = KH_TRY(checked_counts(update.units.value_or(record.units.operational),
                                       update.failover_units.value_or(record.units.failover),
                                       update.recovery_units.value_or(record.units.recovery)));
  record.updated = clock_.now();
  event.target_id = crn_of(record);
  event.instance_id = record.id.text();
  if (record.units == current->units) return commit(std::move(record), event);

  KH_TRY(resize(*current, record.units, event));
  auto stored = commit(std::move(record), event);
  // Else the next look at the units takes the change back.
  if (!stored) (void)unit_.resize_units(id, current->units);
  return stored;
}

// The units first; all that can refuse comes before this.
Result<void> InstanceService::resize(const InstanceRecord& current, unit::UnitCounts counts,
                                     audit::Event& event) {
  KH_TRY(ensure_units(current));
  const auto resized = unit_.resize_units(current.id, counts);
  if (!resized) return resized.error();
  event.details.emplace_back("requestData.initialValue.units", text_of(current.units));
  event.details.emplace_back("requestData.newValue.units", text_of(counts));
  return {};
}

Result<InstanceRecordPtr> InstanceService::set_rotation(const InstanceId& id,
                                                        const MasterKeyRotation& rotation,
                                                        audit::Event event) {
  const std::lock_guard lock(changing_);
  const InstanceRecordPtr current = KH_TRY(require(id));
  InstanceRecord record = *current;
  record.rotation = rotation;
  event.target_id = crn_of(record);
  event.instance_id = record.id.text();
  return commit(std::move(record), event);
}

Result<InstanceRecordPtr> InstanceService::set_policies(const InstanceId& id,
                                                        std::vector<PolicyUpdate> updates,
                                                        audit::Event event) {
  for (auto update = updates.begin(); update != updates.end(); ++update) {
    const auto same = [&](const PolicyUpdate& other) { return other.type == update->type; };
    if (std::any_of(updates.begin(), update, same)) {
      return Error{Reason::ResourceCount,
                   "the policy " + std::string(name_of(update->type)) + " is there twice",
                   "policy_type"};
    }
  }
  const std::lock_guard lock(changing_);
  const InstanceRecordPtr current = KH_TRY(require(id));
  InstanceRecord record = *current;
  for (PolicyUpdate& update : updates) KH_TRY(set_policy(record, std::move(update), event));
  event.target_id = crn_of(record);
  event.instance_id = record.id.text();
  return commit(std::move(record), event);
}

Result<void> InstanceService::remove(const InstanceId& id, audit::Event event) {
  const std::lock_guard lock(changing_);
  const InstanceRecordPtr current = KH_TRY(require(id));
  InstanceRecord record = *current;
  if (const std::size_t keys = live_keys_(id); keys > 0) {
    return Error{
        Reason::InstanceNotEmpty,
        "the instance still has " + std::to_string(keys) + " keys; delete them before the instance",
        "id"};
  }
  KH_TRY(unit_.remove_units(id));
  record.state = InstanceState::Removed;
  record.updated = clock_.now();
  event.target_id = crn_of(record);
  event.instance_id = record.id.text();
  KH_TRY(commit(std::move(record), event));
  return {};
}

Result<std::vector<unit::UnitStatus>> InstanceService::units_of(const InstanceId& id) {
  const InstanceRecordPtr record = KH_TRY(require(id));
  std::vector<unit::UnitStatus> units = KH_TRY(unit_.list_units(id));
  if (counts_of(units) == record->units) return units;
  const std::lock_guard lock(changing_);  // not while it is being deleted or resized
  const InstanceRecordPtr now = KH_TRY(require(id));
  return ensure_units(*now);
}

// As many units as the record says, whatever a crash left; `changing_` must be held.
Result<std::vector<unit::UnitStatus>> InstanceService::ensure_units(const InstanceRecord& record) {
  std::vector<unit::UnitStatus> units = KH_TRY(unit_.list_units(record.id));
  if (units.empty()) return unit_.create_units(record.id, record.region, record.units);
  if (counts_of(units) == record.units) return units;
  auto resized = unit_.resize_units(record.id, record.units);
  // Better shown as they are than not at all.
  if (!resized && resized.error().reason == Reason::UnitsNotZeroized) return units;
  return resized;
}

Result<std::string> InstanceService::administer(const InstanceId& id, const UnitId& unit_id,
                                                const std::string& request) {
  KH_TRY(require(id));
  return unit_.administer(id, unit_id, request);
}

std::string InstanceService::crn_of(const InstanceRecord& record) const {
  return instance_crn(record.region, options_.account, record.id);
}

}  // namespace keyhaven::instances
