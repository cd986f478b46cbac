#include "cli/key_output.h"

#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

boost::json::array texts(const std::vector<std::string>& list) {
  boost::json::array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

}  // namespace

boost::json::object key_json(const client::Key& key) {
  boost::json::object out{{"id", key.id},
                          {"name", key.name},
                          {"type", key.is_root() ? "root" : "standard"},
                          {"state", client::state_name(key.state)},
                          {"ring", key.key_ring},
                          {"imported", key.imported},
                          {"aliases", texts(key.aliases)},
                          {"tags", texts(key.tags)},
                          {"crn", key.crn}};
  if (!key.description.empty()) out["description"] = key.description;
  if (key.version) out["version"] = key.version->id;
  const auto date = [&out](std::string_view name, Timestamp time) {
    if (time.is_set()) out[{name.data(), name.size()}] = format_rfc3339(time);
  };
  date("created", key.created);
  date("updated", key.updated);
  date("rotated", key.rotated);
  date("expires", key.expires);
  date("deleted", key.deletion);
  return out;
}

Result<void> show_key(Context& context, const client::Key& key) {
  Table table({"FIELD", "VALUE"});
  const auto optional = [&table](const char* name, const std::string& value) {
    if (!value.empty()) table.add({name, value});
  };
  table.add({"key id", key.id});
  table.add({"name", key.name});
  optional("description", key.description);
  optional("aliases", join(key.aliases, ", "));
  optional("tags", join(key.tags, ", "));
  table.add({"type", key.is_root() ? "root key" : "standard key"});
  table.add({"origin", key.imported ? "imported" : "generated"});
  table.add({"state", std::string(client::state_name(key.state))});
  table.add({"key ring", key.key_ring});
  if (key.version) table.add({"version", key.version->id});
  table.add({"created", time_text(key.created)});
  if (key.rotated.is_set()) table.add({"last rotated", time_text(key.rotated)});
  table.add({"expires", time_text(key.expires)});
  if (key.deletion.is_set()) table.add({"destroyed", time_text(key.deletion)});
  optional("crn", key.crn);
  return show(context, table, key_json(key));
}

}  // namespace keyhaven::cli
