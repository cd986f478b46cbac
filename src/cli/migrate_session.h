// What the migrate verbs share: how they reach both sides, their journal and how they report.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/output.h"
#include "migrate/journal.h"
#include "migrate/plan.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

// Shows progress on a terminal, lines elsewhere.
class Reporter final : public migrate::Observer {
 public:
  Reporter(Context& context, std::string label, std::uint64_t total)
      : context_(context), bar_(context, std::move(label), total) {}
  void progress(std::uint64_t done, std::uint64_t) override { bar_.advance(done); }
  void note(const std::string& line) override {
    std::string safe = line;
    for (char& c : safe) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    context_.err() << safe << '\n';
  }

 private:
  Context& context_;
  Progress bar_;
};

// What the verbs after `plan` begin with.
struct Session {
  migrate::Plan plan;
  migrate::Side source;
  migrate::Side target;
  std::unique_ptr<migrate::Journal> journal;
};

// A verb that has said what it found: exit status 1.
Error failed(std::string message);

// The service that `given` names, or else the command's own; paths become absolute.
migrate::EndpointRef with_defaults(migrate::EndpointRef given, const Settings& settings);

// An API key goes to the service it is for and to no other. Errors: InvalidArgument, those of
// reading the files.
Result<migrate::Side> make_side(Context& context, const migrate::EndpointRef& ref,
                                const std::string& plan_id);

// Paths in a plan are absolute: it may be applied from another directory.
std::string absolute(const std::string& path);

// `given`, or else the file beside the plan.
std::string journal_path(const std::string& plan_path, const std::string& given);
migrate::JournalOwner owner_of(const migrate::Plan& plan);

// Errors: those of the plan, the journal and both sides' files.
Result<Session> begin(Context& context, const std::string& plan_path, const std::string& journal);

// Wrapped DEKs that the plan has counted.
std::uint64_t total_deks(const migrate::Plan& plan);

// The options that say where a side ("source", "target") is reached; --SIDE-instance too where the
// verb cannot know it.
enum class NeedsInstance : std::uint8_t { No, Yes };
void add_endpoint(CLI::App& command, const std::string& side, migrate::EndpointRef& ref,
                  NeedsInstance instance);

// The arguments of every verb that works on a plan.
void add_common(CLI::App& command, std::string& plan, std::string& journal, unsigned& jobs);

// --name-rule, of every verb that reads an inventory.
void add_name_rule(CLI::App& command, std::string& rule);

}  // namespace keyhaven::cli
