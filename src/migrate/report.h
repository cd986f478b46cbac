// The report of a migration: for whoever answers for it, and for the auditor.
//
// One JSON document says what was planned, what the journal knows, what the last runs found, and
// whether that amounts to a proof. Its digest can be recorded by the target's audit log; the
// receipt then stands beside it. The page (report_page.h) shows exactly that document and carries
// it, so that the page can be checked as well as the JSON file.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "migrate/journal.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

struct ReportSources {
  const Plan& plan;
  std::string plan_text = {};  // of the plan's file
  std::vector<JournalStep> steps = {};
  std::vector<JournalNote> notes = {};
  // Last runs of whole verbs; absent: never run.
  std::optional<JournalRun> rewrap = {};
  std::optional<JournalRun> verify = {};
  std::optional<JournalRun> cutover = {};
  std::string tool_version = {};
  std::string made_by = {};  // as the operator names himself
  Timestamp now = {};
};

// What the target's audit log answered (http/migration_report_routes.h); lines and 64 hex digits.
struct ReportReceipt {
  std::string record;
  std::string checkpoint;
  std::string public_key;
};

struct Report {
  std::string document;  // JSON object, compact
  std::optional<ReportReceipt> receipt;
};

// The document. Its member "result" is "verified" when nothing is blocked, failed or missing and
// the last verify looked at every DEK, found nothing wrong and is younger than the last rewrap;
// else "incomplete", and "why" says what is lacking.
std::string make_report(const ReportSources& sources);

// SHA-256 of the document: what is recorded. Lower-case hex digits.
std::string digest_of_report(const std::string& document);
std::string digest_of_text(std::string_view text);
// Over every step and note, in the journal's order.
std::string digest_of_journal(const std::vector<JournalStep>& steps,
                              const std::vector<JournalNote>& notes);

// {"report":{…},"receipt":{…} or null}, for the JSON file and inside the page.
std::string to_json(const Report& report);
// Errors: InvalidArgument (not such a file).
Result<Report> report_from_json(std::string_view text);

// A member of the document, empty when absent: "result", "plan.id", "target.instance" ...
std::string text_in(const std::string& document, std::string_view path);

}  // namespace keyhaven::migrate
