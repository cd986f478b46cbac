// `keyhaven migrate report`: makes the report, has the target record it, and checks one.
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "audit/receipt.h"
#include "base/file.h"
#include "cli/audit_key.h"
#include "cli/migrate_session.h"
#include "cli/migrate_verbs.h"
#include "migrate/report_page.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::Report;

constexpr std::string_view kRoute = "/migration_reports";  // below /api/v2
constexpr std::size_t kMaxPlanBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxReportBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxMadeBy = 200;

struct ReportArguments {
  std::string plan;
  std::string journal;
  std::string out;
  std::string json_out;
  std::string made_by;
  bool no_record = false;
  std::string check;
  std::string audit_key;
};

std::string user_and_machine() {
  struct utsname machine {};
  const char* user = ::getenv("USER");
  std::string out = user == nullptr ? "uid " + std::to_string(::getuid()) : std::string(user);
  if (::uname(&machine) == 0) out += " on " + std::string(machine.nodename);
  return out.substr(0, kMaxMadeBy);
}

// --- Making it ---

Result<std::string> text_in_answer(const json::object& answer, std::string_view name) {
  const json::value* found = answer.if_contains(name);
  if (found == nullptr || !found->is_string())
    return Error{Reason::BadBody, "the target's answer has no " + std::string(name), {}};
  return std::string(found->get_string());
}

// Errors: those of the client; NotFound and the like from a service that has no such call.
Result<migrate::ReportReceipt> record(const migrate::Side& target, const Report& report) {
  const json::object body{
      {"plan_id", migrate::text_in(report.document, "plan.id")},
      {"report_sha256", migrate::digest_of_report(report.document)},
      {"plan_sha256", migrate::text_in(report.document, "plan.sha256")},
      {"journal_sha256", migrate::text_in(report.document, "journal.sha256")},
      {"result", migrate::text_in(report.document, "result")},
      {"source_instance", migrate::text_in(report.document, "source.instance")}};
  client::ApiClient api = KH_TRY(target.connect());
  const std::string text = KH_TRY(api.post_instance_document(kRoute, json::serialize(body)));
  json::error_code failed;
  const json::value answer = json::parse(text, failed);
  if (failed || !answer.is_object())
    return Error{Reason::BadBody, "the target's answer is no audit receipt", {}};
  migrate::ReportReceipt out;
  out.record = KH_TRY(text_in_answer(answer.get_object(), "record"));
  out.checkpoint = KH_TRY(text_in_answer(answer.get_object(), "checkpoint"));
  out.public_key = KH_TRY(text_in_answer(answer.get_object(), "public_key"));
  return out;
}

Result<Report> make(Context& context, const ReportArguments& arguments) {
  const Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::ReportSources sources{.plan = session.plan};
  sources.plan_text = KH_TRY(read_text(arguments.plan, kMaxPlanBytes));
  sources.steps = KH_TRY(session.journal->steps());
  sources.notes = KH_TRY(session.journal->notes());
  sources.rewrap = KH_TRY(session.journal->last_run_with_time("rewrap"));
  sources.verify = KH_TRY(session.journal->last_run_with_time("verify"));
  sources.cutover = KH_TRY(session.journal->last_run_with_time("cutover"));
  sources.tool_version = KH_VERSION;
  sources.made_by = arguments.made_by.empty() ? user_and_machine() : arguments.made_by;
  sources.now = SystemClock().now();
  Report report{migrate::make_report(sources), std::nullopt};
  if (arguments.no_record) return report;
  auto receipt = record(session.target, report);
  if (receipt) {
    report.receipt = std::move(receipt).value();
  } else if (receipt.error().code() == Errc::NotFound) {
    context.err() << "The target has no call that records a report; it is made without.\n";
  } else {
    Error error = std::move(receipt).error();
    error.message = "the target did not record the report (" + error.message +
                    "); --no-record makes it without";
    return error;
  }
  return report;
}

Result<void> run_make(Context& context, const ReportArguments& arguments) {
  const Report report = KH_TRY(make(context, arguments));
  const std::string page = migrate::to_page(report);
  KH_TRY(write_file_atomic(arguments.out, as_bytes(page), 0644));
  if (!arguments.json_out.empty()) {
    const std::string text = migrate::to_json(report) + "\n";
    KH_TRY(write_file_atomic(arguments.json_out, as_bytes(text), 0644));
  }
  const std::string result = migrate::text_in(report.document, "result");
  KH_TRY(show_done(context,
                   "The report is in " + arguments.out + ": " + result +
                       (report.receipt ? ", recorded by the target." : ", not recorded."),
                   {{"result", result},
                    {"report_sha256", migrate::digest_of_report(report.document)},
                    {"recorded", report.receipt.has_value()}}));
  if (result == "verified") return {};
  return failed("the migration is not proved: the report says what is lacking");
}

// --- Checking one ---

// What the operator gave is a report or not: no mistake in using the verb.
template <class T>
Result<T> finding(Result<T> result) {
  if (result || result.error().reason != Reason::InvalidArgument) return result;
  return failed(result.error().message);
}

// A page must show exactly what its data says.
Result<Report> read_report(Context& context, const std::string& path) {
  const std::string text = KH_TRY(read_text(path, kMaxReportBytes));
  if (!text.starts_with("<!doctype html>")) return finding(migrate::report_from_json(text));
  Report report = KH_TRY(finding(migrate::report_from_page(text)));
  if (migrate::to_page(report) == text) return report;
  const std::string version = migrate::text_in(report.document, "tool.version");
  if (version != KH_VERSION) {
    context.err() << "The page was made by version " << version << " and this is " << KH_VERSION
                  << ": its data is checked, how it shows them is not. Make the page anew from the "
                     "JSON file to compare.\n";
    return report;
  }
  return failed("the page does not show what its data says: it was altered");
}

// The event of the receipt must speak of this report.
Result<void> compare(const std::string& event_json, const Report& report) {
  const std::pair<const char*, std::string> wanted[] = {
      {"requestData.reportHash", migrate::digest_of_report(report.document)},
      {"requestData.planId", migrate::text_in(report.document, "plan.id")},
      {"requestData.planHash", migrate::text_in(report.document, "plan.sha256")},
      {"requestData.journalHash", migrate::text_in(report.document, "journal.sha256")},
      {"requestData.instanceID", migrate::text_in(report.document, "target.instance")},
      {"requestData.result", migrate::text_in(report.document, "result")},
      {"action", "hs-crypto.migration-report.record"},
      {"outcome", "success"}};
  for (const auto& [name, value] : wanted) {
    if (migrate::text_in(event_json, name) != value) {
      return failed("the report differs from what the target's audit log recorded (" +
                    std::string(name) + "): one of the two was altered");
    }
  }
  return {};
}

Result<void> run_check(Context& context, const ReportArguments& arguments) {
  const Report report = KH_TRY(read_report(context, arguments.check));
  if (!arguments.plan.empty()) {
    const std::string plan = KH_TRY(read_text(arguments.plan, kMaxPlanBytes));
    if (migrate::digest_of_text(plan) != migrate::text_in(report.document, "plan.sha256"))
      return failed("the report is of another plan file");
  }
  if (!report.receipt) return failed("the target has not recorded this report: nothing proves it");
  const bool is_pinned = !arguments.audit_key.empty();
  const Bytes key = KH_TRY(
      audit_key_of(is_pinned ? arguments.audit_key : report.receipt->public_key, "audit-key"));
  const audit::Receipt receipt{report.receipt->record, report.receipt->checkpoint};
  const std::string event = KH_TRY(finding(audit::check_receipt(receipt, key)));
  KH_TRY(compare(event, report));
  const std::string at = migrate::text_in(event, "eventTime");
  const std::string by = migrate::text_in(event, "initiator.id");
  std::string text = "The report is what the target's audit log recorded at " + at + " for " + by +
                     "; its result: " + migrate::text_in(report.document, "result") + ".";
  if (!is_pinned) {
    text +=
        " The audit key is the one the report names itself: compare it with the key from the "
        "target's installation, or give that with --audit-key.";
  }
  return show_done(context, text,
                   {{"result", migrate::text_in(report.document, "result")},
                    {"recorded_at", at},
                    {"recorded_for", by},
                    {"audit_key_given", is_pinned}});
}

Result<void> run(Context& context, const ReportArguments& arguments) {
  if (!arguments.check.empty()) return run_check(context, arguments);
  if (arguments.plan.empty() || arguments.out.empty()) {
    return Error{Reason::InvalidArgument,
                 "give the plan and --out FILE to make a report, or --check FILE to check one",
                 "out"};
  }
  return run_make(context, arguments);
}

}  // namespace

void add_report(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "report",
      "make the report of a migration, for the auditor, and have the target's audit log record its "
      "hash; or check one");
  command->add_option("plan", arguments->plan, "the plan's file");
  command->add_option("--journal", arguments->journal, "the journal (default: PLAN.journal)");
  command->add_option("--out", arguments->out, "the page to write (HTML, self-contained)");
  command->add_option("--json-out", arguments->json_out, "the same data as JSON");
  command->add_option("--by", arguments->made_by, "who makes it (default: user and machine)");
  command->add_flag("--no-record", arguments->no_record, "do not ask the target to record it");
  command->add_option("--check", arguments->check,
                      "check this page or JSON file; exit status 1 when it does not hold");
  command->add_option("--audit-key", arguments->audit_key,
                      "with --check: the public key of the target's audit log, 64 hex digits or a "
                      "file with them");
  on(*command, context, [&context, arguments] { return run(context, *arguments); });
}

}  // namespace keyhaven::cli
