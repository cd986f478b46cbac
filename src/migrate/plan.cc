#include "migrate/plan.h"

#include <algorithm>

#include "base/file.h"
#include "crypto/hash.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxPlanBytes = 256 * 1024 * 1024;

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

}  // namespace

std::string_view name_of(KeyAction action) noexcept {
  constexpr std::string_view kNames[] = {"import", "generate", "copy",
                                         "report", "blocked",  "existing"};
  return kNames[static_cast<std::size_t>(action)];
}

bool Plan::is_blocked() const noexcept {
  return !unknown_keys.empty() || std::any_of(keys.begin(), keys.end(), [](const PlannedKey& key) {
    return key.action == KeyAction::Blocked;
  });
}

const PlannedKey* Plan::find(std::string_view name) const noexcept {
  for (const PlannedKey& key : keys) {
    if (key.source == name || key.crn == name) return &key;
  }
  for (const PlannedKey& key : keys) {
    if (std::find(key.aliases.begin(), key.aliases.end(), name) != key.aliases.end()) return &key;
  }
  return nullptr;
}

std::uint64_t Plan::seconds_of_imports() const noexcept {
  std::uint64_t most = 0;  // rotations that have to wait: a new key may rotate once at once
  for (const PlannedKey& key : keys)
    most = std::max<std::uint64_t>(most, std::max(key.imports(), 2U) - 2U);
  return most * rotation_seconds;
}

std::string temporary_alias(const std::string& plan_id, const std::string& source_key) {
  const Digest digest =
      crypto::sha256(as_bytes("keyhaven migration alias v1\n" + plan_id + "\n" + source_key));
  return std::string(kTemporaryAliasPrefix) + to_hex(ByteView(digest).first(16));
}

Result<Plan> load_plan(const std::string& path) {
  Bytes content = KH_TRY(read_file(path, kMaxPlanBytes));
  const std::string text(as_text(content));
  Bytes().swap(content);  // a plan of many keys need not be there twice while it is read
  auto plan = plan_from_yaml(text);
  if (!plan) return bad(path + ": " + plan.error().message);
  return plan;
}

Result<void> save_plan(const std::string& path, const Plan& plan) {
  return create_file(path, as_bytes(to_yaml(plan)), 0600);
}

}  // namespace keyhaven::migrate
