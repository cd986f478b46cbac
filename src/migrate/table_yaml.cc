#include "migrate/table_yaml.h"

#include "migrate/yaml_reader.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxTables = 1000;

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

}  // namespace

void emit_tables(YAML::Emitter& out, const std::vector<tables::TableSpec>& specs) {
  if (specs.empty()) return;
  out << YAML::Key << "tables" << YAML::Value << YAML::BeginSeq;
  for (const tables::TableSpec& spec : specs) {
    out << YAML::BeginMap;
    emit_text(out, "name", spec.name);
    emit_text(out, "kind", spec.kind);
    emit_text(out, "connection", spec.connection);
    emit_text(out, "password_file", spec.password_file);
    emit_text(out, "query", spec.query);
    emit_text(out, "update", spec.update);
    out << YAML::Key << "batch" << YAML::Value << spec.batch << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

Result<std::vector<tables::TableSpec>> read_tables(const YAML::Node& node) {
  std::vector<tables::TableSpec> out;
  if (!node.IsDefined() || node.IsNull()) return out;
  if (!node.IsSequence() || node.size() > kMaxTables) return bad("tables must be a list");
  for (const YAML::Node& one : node) {
    tables::TableSpec spec;
    MapReader reader(one, "table");
    reader.value("name", spec.name);
    reader.name("table " + spec.name);
    reader.value("kind", spec.kind);
    reader.value("connection", spec.connection);
    reader.value("password_file", spec.password_file);
    reader.value("query", spec.query);
    reader.value("update", spec.update);
    reader.value("batch", spec.batch);
    KH_TRY(reader.finish());
    auto checked = tables::check(spec);
    if (!checked)
      return bad("line " + std::to_string(one.Mark().line + 1) + ": " + checked.error().message);
    for (const tables::TableSpec& other : out)
      if (other.name == spec.name) return bad("two tables are named " + spec.name);
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace keyhaven::migrate
