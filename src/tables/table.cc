#include "tables/table.h"

#include <algorithm>
#include <iterator>

namespace keyhaven::tables {
namespace {

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where a quoted text or a comment that begins at `at` ends; `at` when none begins there.
std::size_t end_of_quoted(std::string_view sql, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (sql[at] == '\'' || sql[at] == '"') return after(sql.substr(at, 1), at + 1);
  if (sql.substr(at, 2) == "--") return after("\n", at);
  if (sql.substr(at, 2) == "/*") return after("*/", at);
  return at;
}

bool has_parameter(std::string_view sql, std::string_view name) {
  for (std::size_t i = 0; i < sql.size();) {
    if (const std::size_t end = end_of_quoted(sql, i); end > i) {
      i = end;
      continue;
    }
    const std::size_t after = i + name.size();
    if (sql.substr(i, name.size()) == name && (after >= sql.size() || !is_name(sql[after])) &&
        (i == 0 || sql[i - 1] != ':'))
      return true;
    ++i;
  }
  return false;
}

}  // namespace

bool TableSpec::changes_key() const { return has_parameter(update, ":new_key"); }

Result<void> check(const TableSpec& spec) {
  const std::string where = "table " + spec.name + ": ";
  const auto is_word = [](const std::string& text) {
    return !text.empty() && text.size() <= 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_name(c) || c == '-'; });
  };
  if (!is_word(spec.name)) return bad("a table needs a name of letters, digits, - and _");
  if (spec.kind != "postgresql" && spec.kind != "sqlite")
    return bad(where + "kind must be postgresql or sqlite");
  if (spec.connection.empty()) return bad(where + "connection is missing");
  if (spec.kind == "sqlite" && !spec.password_file.empty())
    return bad(where + "a SQLite file has no password");
  if (trimmed(spec.query).empty())
    return bad(where + "query is missing: a SELECT of id, key, wdek and, optionally, aad");
  for (const char* name : {":new_wdek", ":id", ":old_wdek"}) {
    if (!has_parameter(spec.update, name)) {
      return bad(where + "update must use " + name +
                 ", e.g. UPDATE t SET wdek = :new_wdek WHERE id = :id AND wdek = :old_wdek");
    }
  }
  if (spec.batch < 1 || spec.batch > 10'000) return bad(where + "batch must be 1 to 10000");
  auto numbered = with_numbers(spec.update);
  if (!numbered) return bad(where + numbered.error().message);
  return {};
}

std::string trimmed(std::string_view sql) {
  const std::size_t end = sql.find_last_not_of(" \t\r\n;");
  return std::string(sql.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

Result<NumberedSql> with_numbers(std::string_view sql) {
  NumberedSql numbered;
  std::string& out = numbered.sql;
  for (std::size_t i = 0; i < sql.size();) {
    if (const std::size_t end = end_of_quoted(sql, i); end > i) {
      out += sql.substr(i, end - i);
      i = end;
      continue;
    }
    if (sql.substr(i, 2) == "::") {  // a cast
      out += "::";
      i += 2;
      continue;
    }
    std::size_t end = i + 1;
    while (sql[i] == ':' && end < sql.size() && is_name(sql[end])) ++end;
    if (end == i + 1) {
      out += sql[i++];
      continue;
    }
    const std::string_view name = sql.substr(i, end - i);
    const auto* known = std::find(std::begin(kParameters), std::end(kParameters), name);
    if (known == std::end(kParameters)) {
      return bad("the update knows :new_wdek, :id, :old_wdek, :new_key and :old_key, not " +
                 std::string(name));
    }
    const auto parameter = static_cast<std::size_t>(known - std::begin(kParameters));
    auto& used = numbered.parameters;
    auto at = std::find(used.begin(), used.end(), parameter);
    if (at == used.end()) at = used.insert(used.end(), parameter);
    out += "$" + std::to_string(at - used.begin() + 1);
    i = end;
  }
  return numbered;
}

Result<std::unique_ptr<Table>> open_table(const TableSpec& spec) {
  KH_TRY(check(spec));
  return spec.kind == "sqlite" ? open_sqlite(spec) : open_postgresql(spec);
}

}  // namespace keyhaven::tables
