#include "cli/console_migrations.h"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "cli/context.h"
#include "cli/migrate_status.h"
#include "migrate/plan.h"
#include "migrate/report_page.h"

namespace keyhaven::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMaxShownBytes = std::size_t{64} << 20;  // a plan or report in the browser
constexpr std::size_t kHeadBytes = 8192;
constexpr std::size_t kMaxEntries = 1000;  // of the directory

struct Entry {
  std::string name;
  fs::file_time_type changed;
};

// Whether the file begins as a plan does: its first members stand at the top.
bool is_plan(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kHeadBytes, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  head.insert(0, "\n");
  return head.find("\nformat:") != std::string::npos && head.find("\nplan:") != std::string::npos;
}

json::array json_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object json_of(const migrate::EndpointRef& side) {
  return {{"url", side.url}, {"instance", side.instance}};
}

json::object json_of(const migrate::PlannedKey& key) {
  return {{"source", key.source},
          {"name", key.name},
          {"kind", key.root ? "root" : "standard"},
          {"action", migrate::name_of(key.action)},
          {"blocked", key.blocked},
          {"lost", json_of(key.lost)},
          {"imported", key.imported},
          {"versions", key.versions},
          {"material_versions", key.material_versions},
          {"aliases", json_of(key.aliases)},
          {"key_ring", key.key_ring},
          {"deks", key.deks},
          {"target", key.target},
          {"dek_target", key.dek_target},
          {"registrations", key.registrations.size()},
          {"dual_auth_delete", key.policies.dual_auth_delete.value_or(false)}};
}

// What a reviewer looks at first; the file's text says the rest.
json::object json_of(const migrate::Plan& plan) {
  json::array policies, tables, keys;
  for (const auto& policy : plan.instance_policies) policies.emplace_back(policy.type);
  for (const auto& table : plan.tables) tables.emplace_back(table.name);
  for (const auto& key : plan.keys) keys.push_back(json_of(key));
  return {{"id", plan.id},
          {"made", format_rfc3339(plan.made)},
          {"source", json_of(plan.source)},
          {"target", json_of(plan.target)},
          {"seconds_of_imports", plan.seconds_of_imports()},
          {"key_rings", json_of(plan.key_rings)},
          {"instance_policies", std::move(policies)},
          {"tables", std::move(tables)},
          {"lost", json_of(plan.lost)},
          {"unknown_keys", json_of(plan.unknown_keys)},
          {"keys", std::move(keys)}};
}

class DirectoryMigrations final : public console::Migrations {
 public:
  explicit DirectoryMigrations(fs::path directory) : directory_(std::move(directory)) {}

  Result<std::vector<std::string>> names() const override {
    std::vector<std::string> out;
    for (const Entry& entry : KH_TRY(entries({".yaml", ".yml"}))) {
      if (out.size() < kMaxShownMigrations && is_plan(directory_ / entry.name))
        out.push_back(entry.name);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  Result<std::string> plan(const std::string& name) const override {
    const std::string text = KH_TRY(read(name));
    const auto plan = migrate::plan_from_yaml(text);
    return json::serialize(
        json::object{{"name", name},
                     {"text", text},
                     {"plan", plan ? json::value(json_of(*plan)) : json::value(nullptr)},
                     {"mistake", plan ? json::value(nullptr) : json::value(plan.error().message)}});
  }

  Result<std::string> status(const std::string& name) const override {
    const json::object out = KH_TRY(migration_status((directory_ / name).string(), {}));
    return json::serialize(out);
  }

  // The newest that is of this plan's file or id. A report names the plan that it is about.
  Result<std::string> report(const std::string& name) const override {
    const migrate::Plan plan = KH_TRY(migrate::load_plan((directory_ / name).string()));
    std::vector<Entry> files = KH_TRY(entries({".json", ".html"}));
    std::sort(files.begin(), files.end(),
              [](const Entry& a, const Entry& b) { return a.changed > b.changed; });
    for (const Entry& entry : files) {
      const auto text = read(entry.name);
      if (!text) continue;
      const auto found = text->starts_with("<!doctype html>") ? migrate::report_from_page(*text)
                                                              : migrate::report_from_json(*text);
      if (found && migrate::text_in(found->document, "plan.id") == plan.id)
        return migrate::to_json(*found);
    }
    return Error{Reason::NotFound,
                 "there is no report of this plan yet; keyhaven migrate report makes one",
                 "report"};
  }

 private:
  Result<std::string> read(const std::string& name) const {
    return read_text((directory_ / name).string(), kMaxShownBytes);
  }

  // Regular files with one of the endings.
  Result<std::vector<Entry>> entries(std::initializer_list<std::string_view> endings) const {
    std::vector<Entry> out;
    std::error_code failed;
    fs::directory_iterator entry(directory_, failed);
    for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
      const std::string ending = entry->path().extension().string();
      if (std::find(endings.begin(), endings.end(), ending) == endings.end()) continue;
      std::error_code gone;  // between the listing and the question
      if (!entry->is_regular_file(gone) || gone) continue;
      const auto changed = entry->last_write_time(gone);
      if (!gone) out.push_back({entry->path().filename().string(), changed});
      if (out.size() == kMaxEntries) break;
    }
    if (!failed) return out;
    return Error{Reason::Io, directory_.string() + " cannot be read: " + failed.message(), {}};
  }

  const fs::path directory_;
};

}  // namespace

Result<std::unique_ptr<console::Migrations>> migrations_in(const std::string& directory) {
  std::error_code failed;
  if (!fs::is_directory(directory, failed)) {
    return Error{Reason::InvalidArgument,
                 "--migration " + directory +
                     ": there is no such directory; it is the one with the plan and its journal",
                 "migration"};
  }
  return std::unique_ptr<console::Migrations>(
      std::make_unique<DirectoryMigrations>(fs::absolute(directory, failed)));
}

}  // namespace keyhaven::cli
