#include "keys/quarantine.h"

#include <algorithm>

namespace keyhaven::keys {
namespace {

constexpr std::string_view kRemedy =
    "; `keyhaven store verify` names it, docs/operations/records.md says how to repair or accept "
    "it";

}  // namespace

void Quarantine::add_key(const InstanceId& instance, const KeyId& key, std::string_view fault) {
  instances_[instance].keys.insert_or_assign(key, std::string(fault));
}

void Quarantine::add_registration(const InstanceId& instance) {
  instances_[instance].registrations = true;
}

void Quarantine::set_unsettled(const InstanceId& instance, std::size_t records) {
  instances_[instance].unsettled = records;
}

Result<void> Quarantine::check_key(const InstanceId& instance, const KeyId& key) const {
  const OfInstance* of = find(instance);
  if (of == nullptr) return {};
  const auto found = of->keys.find(key);
  if (found == of->keys.end()) return {};
  return Error{Reason::RecordNotAuthentic,
               "the key is not in use: its stored record is not the one that the crypto unit "
               "sealed last (" +
                   found->second + ")" + std::string(kRemedy),
               {}};
}

Result<void> Quarantine::check_registrations(const InstanceId& instance) const {
  const OfInstance* of = find(instance);
  if (of == nullptr || !of->registrations) return {};
  return Error{
      Reason::RecordNotAuthentic,
      "no key of the instance can be deleted while a stored registration is missing or not "
      "the one that the crypto unit sealed last: it might forbid that" +
          std::string(kRemedy),
      {}};
}

std::size_t Quarantine::keys(const InstanceId& instance) const noexcept {
  const OfInstance* of = find(instance);
  return of == nullptr ? 0 : of->keys.size();
}

std::vector<KeyId> Quarantine::key_ids(const InstanceId& instance) const {
  std::vector<KeyId> out;
  if (const OfInstance* of = find(instance)) {
    for (const auto& [id, fault] : of->keys) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t Quarantine::unsettled(const InstanceId& instance) const noexcept {
  const OfInstance* of = find(instance);
  return of == nullptr ? 0 : of->unsettled;
}

const Quarantine::OfInstance* Quarantine::find(const InstanceId& instance) const noexcept {
  const auto found = instances_.find(instance);
  return found == instances_.end() ? nullptr : &found->second;
}

}  // namespace keyhaven::keys
