#include "migrate/checkpoint.h"

#include <boost/json.hpp>
#include <filesystem>

namespace keyhaven::migrate {
namespace {

namespace json = boost::json;

std::string kind_of(const std::string& out) {
  return "checkpoint:" + std::filesystem::absolute(out).lexically_normal().string();
}

json::object to_json(const OutputMark& mark) {
  return {{"bytes", mark.bytes}, {"digest", mark.digest}};
}

OutputMark mark_from(const json::value& value) {
  return {value.at("bytes").to_number<std::uint64_t>(),
          std::string(value.at("digest").as_string())};
}

}  // namespace

Result<void> save_checkpoint(Journal& journal, const std::string& out, const Checkpoint& at) {
  const json::object value{{"routes", at.routes},           {"rows", at.rows},
                           {"rows_digest", at.rows_digest}, {"rewrapped", at.rewrapped},
                           {"refused", at.refused},         {"out", to_json(at.out)},
                           {"errors", to_json(at.errors)}};
  return journal.record_run(kind_of(out), json::serialize(value), SystemClock().now());
}

Result<std::optional<Checkpoint>> load_checkpoint(Journal& journal, const std::string& out) {
  const std::optional<std::string> text = KH_TRY(journal.last_run(kind_of(out)));
  if (!text) return std::optional<Checkpoint>();
  json::error_code failed;
  const json::value value = json::parse(*text, failed);
  if (failed || !value.is_object() || value.as_object().empty()) return std::optional<Checkpoint>();
  try {
    Checkpoint at;
    at.routes = std::string(value.at("routes").as_string());
    at.rows = value.at("rows").to_number<std::uint64_t>();
    at.rows_digest = std::string(value.at("rows_digest").as_string());
    at.rewrapped = value.at("rewrapped").to_number<std::uint64_t>();
    at.refused = value.at("refused").to_number<std::uint64_t>();
    at.out = mark_from(value.at("out"));
    at.errors = mark_from(value.at("errors"));
    return std::optional<Checkpoint>(std::move(at));
  } catch (const std::exception&) {  // of another version: the run starts anew
    return std::optional<Checkpoint>();
  }
}

Result<void> clear_checkpoint(Journal& journal, const std::string& out) {
  return journal.record_run(kind_of(out), "{}", SystemClock().now());
}

}  // namespace keyhaven::migrate
