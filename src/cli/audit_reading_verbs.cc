// audit search, status, check: the log as the service itself tells it.
#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/audit_verbs.h"
#include "cli/context.h"
#include "cli/output.h"
#include "net/url.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kRecordsRoute = "/v1/audit/records";
constexpr std::string_view kStatusRoute = "/v1/audit/status";
constexpr std::string_view kCheckRoute = "/v1/audit/check";
constexpr std::chrono::milliseconds kPollInterval(250);
constexpr std::size_t kPageLimit = 500;

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kFilters = {{
    {"from", "records of this time or later, e.g. 2026-11-26T10:00:00Z"},
    {"to", "records before this time"},
    {"action", "whole, or the beginning when it ends with '.' or '*': secrets.wrap, tke-*"},
    {"outcome", "success or failure"},
    {"severity", "normal, warning or critical"},
    {"initiator", "part of the caller's id, name or address"},
    {"target", "part of the id of what was acted on"},
    {"in-instance", "calls in this instance or about it"},
    {"correlation-id", "the call's correlation id"},
    {"text", "part of the event as it is written"},
}};

struct SearchRequest {
  std::array<std::string, kFilters.size()> filters;
  std::size_t limit = 100;
  bool with_checkpoints = false;
};

// "in-instance" because --instance is everywhere the one whose units and keys are meant.
std::string parameter_of(std::string_view option) {
  if (option == "in-instance") return "instance";
  return option == "correlation-id" ? "correlation_id" : std::string(option);
}

std::string query_of(const SearchRequest& request) {
  std::string out;
  for (std::size_t i = 0; i < kFilters.size(); ++i) {
    if (request.filters[i].empty()) continue;
    out += "&" + parameter_of(kFilters[i].first) + "=" + net::percent_encode(request.filters[i]);
  }
  if (request.with_checkpoints) out += "&checkpoints=true";
  return out;
}

Error unexpected_answer() {
  return {Reason::BadBody, "the service does not answer as its API says", {}};
}

Result<json::object> parse_object(const std::string& document) {
  json::error_code failed;
  json::value value = json::parse(document, failed);
  if (failed || !value.is_object()) return unexpected_answer();
  return std::move(value.get_object());
}

// A member's text or number; "-" when it is not there.
std::string text_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::object* at = &object;
  const json::value* value = nullptr;
  for (const std::string_view name : path) {
    value = at == nullptr ? nullptr : at->if_contains(name);
    at = value == nullptr ? nullptr : value->if_object();
  }
  if (value == nullptr) return "-";
  return value->is_string() ? std::string(value->get_string().c_str()) : json::serialize(*value);
}

json::array list_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : json::array{};
}

void append(json::array& to, const json::array& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// Pages until there are enough records or the log is at its end. On a terminal each page says how
// far it looked; an interrupt loses nothing but the waiting.
Result<json::object> collect(Context& context, const SearchRequest& request) {
  client::ApiClient api = KH_TRY(context.api());
  json::array records;
  json::array findings;
  json::object last;
  std::string cursor;
  do {
    const std::size_t wanted = std::min(kPageLimit, request.limit - records.size());
    std::string target =
        std::string(kRecordsRoute) + "?limit=" + std::to_string(wanted) + query_of(request);
    if (!cursor.empty()) target += "&cursor=" + cursor;
    const std::string page = KH_TRY(api.get_document(target));
    last = KH_TRY(parse_object(page));
    append(records, list_at(last, "records"));
    append(findings, list_at(last, "findings"));
    const std::string next = text_at(last, {"cursor"});
    if (next == cursor) return unexpected_answer();  // it would go on for ever
    cursor = next == "-" ? "" : next;
    if (context.err_is_terminal() && !cursor.empty() && records.size() < request.limit)
      context.err() << "looked back to " << text_at(last, {"looked_back_to"}) << '\n';
  } while (!cursor.empty() && records.size() < request.limit);
  last["records"] = std::move(records);
  last["findings"] = std::move(findings);
  last.erase("records_read");
  last.erase("bytes_read");
  return last;
}

void print_records(Context& context, const json::object& found) {
  Table table({"TIME", "RECORD", "ACTION", "OUTCOME", "INITIATOR", "INSTANCE", "CORRELATION ID"});
  for (const json::value& each : list_at(found, "records")) {
    if (!each.is_object()) continue;
    const json::object& record = each.get_object();
    const std::string name = text_at(record, {"event", "initiator", "name"});
    table.add({text_at(record, {"event", "eventTime"}),
               text_at(record, {"stream"}) + " " + text_at(record, {"seq"}),
               text_at(record, {"event", "action"}),
               text_at(record, {"event", "outcome"}) + " " +
                   text_at(record, {"event", "reason", "reasonCode"}),
               name == "-" ? text_at(record, {"event", "initiator", "id"}) : name,
               text_at(record, {"event", "requestData", "instanceID"}),
               text_at(record, {"event", "correlationId"})});
  }
  table.print(context.out());
  for (const json::value& each : list_at(found, "findings")) {
    if (!each.is_object()) continue;
    const json::object& finding = each.get_object();
    context.out() << "DAMAGE stream " << text_at(finding, {"stream"}) << ", segment "
                  << text_at(finding, {"segment"}) << ", offset " << text_at(finding, {"offset"})
                  << ": " << text_at(finding, {"problem"}) << '\n';
  }
}

Result<void> search(Context& context, const SearchRequest& request) {
  const json::object found = KH_TRY(collect(context, request));
  if (context.wants_json()) {
    print_json(context, found);
    return {};
  }
  print_records(context, found);
  const bool is_complete = text_at(found, {"complete"}) == "true";
  context.out() << list_at(found, "records").size() << " records, "
                << (is_complete
                        ? "the whole log was looked through\n"
                        : "there may be more before " + text_at(found, {"looked_back_to"}) + "\n");
  return {};
}

Result<json::object> read_status(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  const std::string document = KH_TRY(api.get_document(kStatusRoute));
  return parse_object(document);
}

void print_check(Context& context, const json::object& status) {
  const std::string state = text_at(status, {"check", "state"});
  if (state == "none") {
    context.out() << "Last check: none since the server started\n";
  } else if (state == "running") {
    context.out() << "Check: runs since " << text_at(status, {"check", "started_at"}) << ", "
                  << text_at(status, {"check", "bytes_read"}) << " of "
                  << text_at(status, {"check", "bytes_total"}) << " bytes\n";
  } else if (state == "failed") {
    context.out() << "Last check: did not come to its end: "
                  << text_at(status, {"check", "failure"}) << '\n';
  } else {
    context.out() << "Last check: " << text_at(status, {"check", "finished_at"}) << ", "
                  << text_at(status, {"check", "result", "records"}) << " records, "
                  << text_at(status, {"check", "result", "checkpoints"}) << " signed checkpoints\n";
  }
}

// What the last check found; empty: nothing, or there is none.
json::array problems_of(const json::object& status) {
  const json::value* check = status.if_contains("check");
  if (check == nullptr || !check->is_object()) return {};
  const json::value* result = check->get_object().if_contains("result");
  return result == nullptr || !result->is_object() ? json::array{}
                                                   : list_at(result->get_object(), "problems");
}

Result<void> tell_problems(Context& context, const json::object& status) {
  const json::array problems = problems_of(status);
  if (!context.wants_json()) {
    for (const json::value& problem : problems) {
      context.out() << "PROBLEM " << (problem.is_string() ? problem.get_string().c_str() : "-")
                    << '\n';
    }
  }
  if (problems.empty()) return {};
  return Error{
      Reason::Conflict,
      "the audit log does not verify: " + std::to_string(problems.size()) +
          " problem(s); keep a copy of the directory, docs/operations/audit.md says what to do",
      {}};
}

Result<void> show_status(Context& context) {
  const json::object status = KH_TRY(read_status(context));
  if (context.wants_json()) {
    print_json(context, status);
    return tell_problems(context, status);
  }
  Table table({"STREAM", "RECORDS", "SIGNED UP TO", "SEGMENTS", "BYTES", "NEWEST HASH"});
  for (const json::value& each : list_at(status, "streams")) {
    if (!each.is_object()) continue;
    const json::object& stream = each.get_object();
    table.add({text_at(stream, {"stream"}), text_at(stream, {"seq"}),
               text_at(stream, {"sealed_seq"}), text_at(stream, {"segments"}),
               text_at(stream, {"bytes"}), text_at(stream, {"hash"})});
  }
  table.print(context.out());
  context.out() << "Records: " << text_at(status, {"health"})
                << "\nNewest checkpoint: " << text_at(status, {"sealed_at"}) << ", "
                << text_at(status, {"unsealed_records"}) << " records after it\n";
  print_check(context, status);
  return tell_problems(context, status);
}

std::size_t number_at(const json::object& status, std::string_view name) {
  return static_cast<std::size_t>(
      std::strtoull(text_at(status, {"check", name}).c_str(), nullptr, 10));
}

// Exit status 1 when the check finds a problem.
Result<void> check(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  const std::string started = KH_TRY(api.post_document(kCheckRoute));
  json::object status = KH_TRY(parse_object(started));
  if (text_at(status, {"started"}) == "false")
    context.err() << "a check runs already; waiting for that one\n";
  {
    Progress progress(context, "Checking the audit log", number_at(status, "bytes_total"));
    while (text_at(status, {"check", "state"}) == "running") {
      progress.advance(std::min(number_at(status, "bytes_read"), number_at(status, "bytes_total")));
      std::this_thread::sleep_for(kPollInterval);
      status = KH_TRY(read_status(context));
    }
  }
  if (context.wants_json()) {
    print_json(context, status.at("check"));
  } else {
    print_check(context, status);
  }
  if (text_at(status, {"check", "state"}) == "failed")
    return Error{Reason::Io, text_at(status, {"check", "failure"}), {}};
  KH_TRY(tell_problems(context, status));
  if (!context.wants_json())
    context.out() << "OK: the log is whole, as the server says; `keyhaven audit verify` checks it "
                     "without the server\n";
  return {};
}

}  // namespace

void add_audit_reading_verbs(CLI::App& audit, Context& context) {
  auto request = std::make_shared<SearchRequest>();
  CLI::App* search_command = audit.add_subcommand(
      "search", "search the records of all calls, newest first (Administrator)");
  for (std::size_t i = 0; i < kFilters.size(); ++i) {
    search_command->add_option("--" + std::string(kFilters[i].first), request->filters[i],
                               std::string(kFilters[i].second));
  }
  search_command->add_option("--limit", request->limit, "at most so many records")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->capture_default_str();
  search_command->add_flag("--checkpoints", request->with_checkpoints, "checkpoints too");
  on(*search_command, context, [&context, request] { return search(context, *request); });
  CLI::App* status_command = audit.add_subcommand(
      "status", "streams, newest checkpoint and last check, as the service says (Administrator)");
  on(*status_command, context, [&context] { return show_status(context); });
  CLI::App* check_command = audit.add_subcommand(
      "check",
      "let the service check its whole log, and wait; exit status 1 when something is wrong");
  on(*check_command, context, [&context] { return check(context); });
}

}  // namespace keyhaven::cli
