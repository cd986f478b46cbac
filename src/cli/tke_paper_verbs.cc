// tke mk-print: a key part on paper. mk-add --paper reads it back (tke_file_verbs.cc).
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "base/clock.h"
#include "base/file.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/paper_output.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

struct PrintOptions {
  std::string choice;
  PaperOutput output;
  bool yes = false;
};

Result<void> print_part(Context& context, const PrintOptions& options) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const bool to_output = options.output.file.empty() || options.output.file == "-";
  UnitOptions answer;
  answer.yes = options.yes;
  KH_TRY(agree(context, answer,
               "The key part will stand in clear on the page. Write it to " +
                   (to_output ? std::string("this output") : options.output.file) + '?'));
  const auto parts = KH_TRY(open_key_parts(context, files, {options.choice}));
  const KeyPart& part = parts.front();
  const tke::PaperHeading heading{"KEYHAVEN KEY PART",
                                  {{"label", part.label},
                                   {"hash", tke::pattern_text(part.hash)},
                                   {"deployment", deployment_text(context, options.output)},
                                   {"printed", format_rfc3339(SystemClock().now())}}};
  const SecretBytes page =
      tke::paper_page(tke::PaperKind::Part, heading, part.part, format_of(options.output));
  KH_TRY(write_page(context, options.output.file, page));
  if (to_output) return {};
  return show_done(context,
                   "Key part " + part.label + " stands in clear in " + options.output.file +
                       ": print it, then destroy the file.",
                   {{"name", part.label},
                    {"hash", tke::pattern_text(part.hash)},
                    {"file", options.output.file}});
}

}  // namespace

void add_tke_paper_verbs(CLI::App& tke, Context& context) {
  CLI::App* print = tke.add_subcommand(
      "mk-print", "print a key part: digits and check words, a check for each line");
  auto options = std::make_shared<PrintOptions>();
  print->add_option("part", options->choice, "KEY[:PASSWORDFILE] of the key part")->required();
  print->add_option("--out", options->output.file,
                    "new file (0600) for the page; default: standard output");
  add_paper_options(*print, options->output);
  print->add_flag("--yes,-y", options->yes, "do not ask for confirmation");
  on(*print, context, [&context, options] { return print_part(context, *options); });
}

}  // namespace keyhaven::cli
